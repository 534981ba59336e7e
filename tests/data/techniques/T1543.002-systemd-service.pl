#!/usr/bin/perl
# SPDX-License-Identifier: GPL-3.0-or-later
# T1543.002 Systemd Service: writes a unit that runs a program at every boot, and enables it.
use strict;
use warnings;

my $unit = "/etc/systemd/system/netstatd.service";
open(my $f, ">", $unit) or die "$unit: $!";
print $f "[Unit]\nDescription=Network statistics\nAfter=network.target\n\n";
print $f "[Service]\nExecStart=/bin/sleep 3\n\n[Install]\nWantedBy=multi-user.target\n";
close($f);
system("systemctl", "daemon-reload");
system("systemctl", "enable", "netstatd.service");
