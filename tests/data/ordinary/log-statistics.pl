#!/usr/bin/perl
# SPDX-License-Identifier: GPL-3.0-or-later
# How many lines did each program write to the log?
use strict;
use warnings;

my %count;
open(my $f, "<", "/var/log/syslog") or die "syslog: $!";
while (<$f>) {
    $count{$1}++ if /\s([\w.\/-]+)(?:\[\d+\])?:/;
}
close($f);
printf "%6d %s\n", $count{$_}, $_ for sort { $count{$b} <=> $count{$a} } keys %count;
