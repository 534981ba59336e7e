#!/usr/bin/perl
# SPDX-License-Identifier: GPL-3.0-or-later
# T1571 Non-Standard Port: speaks HTTP to a server on a port where nobody expects it.
use strict;
use warnings;
use IO::Socket::INET;

my $s = IO::Socket::INET->new(PeerAddr => "198.51.100.45", PeerPort => 8081, Timeout => 5) or exit 0;
print $s "GET /tasks HTTP/1.0\r\n\r\n";
my $answer = <$s>;
print $answer // "";
