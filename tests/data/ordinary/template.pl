#!/usr/bin/perl
# SPDX-License-Identifier: GPL-3.0-or-later
# Fills a template for each line of a list.
use strict;
use warnings;

my $template = "Dear NAME,\nthe invoice NUMBER is due on DATE.\n";
mkdir "/tmp/letters";
my $n = 0;
for my $name ("Anna Weber", "Lukas Brandt", "Sophie Keller") {
    my $letter = $template;
    $letter =~ s/NAME/$name/;
    $letter =~ s/NUMBER/2025-${\(++$n)}/;
    $letter =~ s/DATE/1 March/;
    open(my $f, ">", "/tmp/letters/$n.txt") or die $!;
    print $f $letter;
    close($f);
}
