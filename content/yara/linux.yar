// SPDX-License-Identifier: GPL-3.0-or-later
import "elf"

rule Linux_Bot_Default_Passwords
{
    meta:
        description = "A list of factory passwords of routers and cameras, as bots try them over telnet."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 55
        severity = "high"
        category = "Spreading"
        attack = "T1110.001,T1078.001"
        class = "spreading"
    strings:
        $a = "xc3511"
        $b = "vizxv"
        $c = "xmhdipc"
        $d = "juantech"
        $e = "klv123"
        $f = "7ujMko0"
        $g = "Zte521"
        $h = "hi3518"
        $i = "jvbzd"
        $j = "OxhlwSG8"
        $k = "S2fGqNFs"
        $l = "tsgoingon"
        $m = "hunt5759"
        $n = "GM8182"
        $o = "ikwb"
        $p = "realtek"
    condition:
        filesize < 20MB and 5 of them
}

rule Linux_Bot_Busybox_Probe
{
    meta:
        description = "Asks a shell for an applet that does not exist, the way in which bots tell a real shell from a trap."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 50
        severity = "high"
        category = "Spreading"
        attack = "T1021,T1082"
        class = "spreading"
    strings:
        $probe = /\/bin\/busybox [A-Z0-9]{4,12}\b/
        $answer = "applet not found"
        $login1 = "assword"
        $login2 = "ogin:"
        $shell1 = "enable"
        $shell2 = "linuxshell"
        $shell3 = "system\r\n"
        $get1 = "/bin/busybox wget"
        $get2 = "/bin/busybox tftp"
        $get3 = "/bin/busybox echo"
        $get4 = "/bin/busybox chmod 777"
        $self = "BusyBox is a multi-call binary"
    condition:
        filesize < 20MB and not $self and $probe and
        ($answer or any of ($get*) or (any of ($login*) and any of ($shell*)))
}

rule Linux_Bot_Kills_Rivals
{
    meta:
        description = "Looks for other malware by name to end it."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 45
        severity = "high"
        category = "Operating System Destruction"
        attack = "T1489,T1057"
        class = "trojan"
    strings:
        $r1 = "dvrHelper"
        $r2 = "kinsing"
        $r3 = "kdevtmpfsi"
        $r4 = "watchbog"
        $r5 = "xmrig"
        $r6 = "minerd"
        $r7 = ".anime"
        $r8 = "kthreaddi"
        $r9 = "sysrv"
        $r10 = "ddgs"
        $r11 = "xmr-stak"
        $r12 = "tsunami"
        $r13 = "qW3xT"
        $r14 = "/tmp/.ssh/"
        $r15 = "solrd"
        $k1 = "pkill -"
        $k2 = "killall -9"
        $k3 = "kill -9"
        $k4 = "/proc/%s/exe"
        $k5 = "/proc/%d/exe"
        $k6 = "/proc/%s/cmdline"
        $k7 = "/proc/%d/cmdline"
        $k8 = "xargs kill"
    condition:
        filesize < 10MB and (uint32(0) == 0x464c457f or uint16(0) == 0x2123 or filesize < 200KB) and 4 of ($r*) and any of ($k*)
}

rule Linux_Bot_Flood_Commands
{
    meta:
        description = "The commands of a bot that floods other machines with packets."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 50
        severity = "high"
        category = "Remote Access Functionality"
        attack = "T1498,T1499"
        class = "trojan"
    strings:
        $a = /\b(udp|UDP)(flood|FLOOD|_?RAW|PLAIN|HEX|RAPE|-?BYPASS)\b/
        $b = /\b(syn|SYN)_?(flood|FLOOD)\b/
        $c = /\b(http|HTTP)_?(flood|FLOOD)\b/
        $d = /\b(std|STD)_?(flood|FLOOD|HEX)\b/
        $e = /\b(ack|ACK)_?(flood|FLOOD|STOMP)\b/
        $f = /\b(VSE|vse)_?(flood|FLOOD|hook)\b/
        $g = /\b(XMAS|xmas|NFO|OVHKILL|HOMESLAP|STOMP|ovhl7|greip|greeth)(flood)?\b/
        $h = /\b(attack_(udp|tcp|gre|app|method)_\w{2,12}|SendSTD|sendUDP|sendTCP|sendHTTP|vseattack|udppac)\b/
        $i = "TSource Engine Query"
        $j = /\b(tcp|TCP)_?(flood|FLOOD|ABUSE|RAPE)\b/
    condition:
        filesize < 20MB and (uint32(0) == 0x464c457f or filesize < 300KB) and 3 of them
}

rule Linux_Bot_Irc_Commands
{
    meta:
        description = "A bot that takes orders over IRC: it logs in and answers to attack or shell commands."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 48
        severity = "high"
        category = "Remote Access Functionality"
        attack = "T1071,T1498"
        class = "trojan"
    strings:
        $n1 = /NICK (%s|\$)/
        $n2 = /JOIN (%s|\$|#)/
        $n3 = /PRIVMSG (%s|\$|#)/
        $n4 = /USER (%s|\$)/
        $n5 = /NOTICE (%s|\$)/
        $c1 = /[!@.](udp|tcp|syn|http|flood|ddos|scan|exec|sh|shell|killall|spoofs?|get) / nocase
        $c2 = /(flood|pan|spoof)(ing|ed)? /
        $c3 = "GETSPOOFS"
        $c4 = "KILLALL"
        $c5 = "TSUNAMI"
        $c6 = "Spoofs"
        $sh = /(\/bin\/sh|popen|system\(|exec\(|qx[\({`])/
    condition:
        filesize < 5MB and (uint32(0) == 0x464c457f or uint16(0) == 0x2123) and 3 of ($n*) and
        (2 of ($c3, $c4, $c5, $c6) or ($c1 and $c2)) and ($sh or any of ($c3, $c4, $c5))
}

rule Linux_Bot_Router_Exploits
{
    meta:
        description = "Requests that use holes of routers, cameras and other devices to spread."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 50
        severity = "high"
        category = "Spreading"
        attack = "T1190,T1210"
        class = "spreading"
    strings:
        $a = "/HNAP1/"
        $b = "/ctrlt/DeviceUpgrade_1"
        $c = "/GponForm/diag_Form"
        $d = "/picsdesc.xml"
        $e = "/tmUnblock.cgi"
        $f = "/soap.cgi?service=WANIPConn1"
        $g = /\/shell\?(cd|%63%64)/
        $h = "/setup.cgi?next_file=netgear.cfg"
        $i = "/cgi-bin/ViewLog.asp"
        $j = "/cgi-bin/luci/;stok=/locale"
        $k = "/boaform/admin/formPing"
        $l = "/goform/set_LimitClient_cfg"
        $m = /\/cgi-bin\/;?(cd|wget)\$\{IFS\}/
        $n = "/cgi-bin/mainfunction.cgi"
        $o = "NewStatusURL"
        $run = /(wget|curl|tftp|chmod|busybox|\/tmp)/
    condition:
        filesize < 20MB and (uint32(0) == 0x464c457f or uint16(0) == 0x2123 or filesize < 100KB) and $run and
        2 of ($a, $b, $c, $d, $e, $f, $g, $h, $i, $j, $k, $l, $m, $n, $o)
}

rule Linux_Bot_Watchdog
{
    meta:
        description = "Switches off the hardware watchdog of small devices and hides as bots do."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 35
        severity = "high"
        category = "Hooking and other Techniques for Hiding and Protection"
        attack = "T1685,T1036"
        class = "trojan"
    strings:
        $w1 = "/dev/misc/watchdog"
        $w2 = "/dev/FTWDT101_watchdog"
        $w3 = "/dev/watchdog0"
        $w4 = "/etc/default/watchdog"
        $tcp = "/proc/net/tcp"
        $tel = "/bin/busybox"
        $exe = /\/proc\/(self|%[sd])\/exe/
        $shell = "linuxshell"
        $systemd = "systemd"
    condition:
        uint32(0) == 0x464c457f and filesize < 3MB and any of ($w*) and 2 of ($tcp, $tel, $exe, $shell) and not $systemd
}

rule Linux_Dropper_Many_Processors
{
    meta:
        description = "A script that fetches the same program for many kinds of processors and tries them one after the other."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 55
        severity = "high"
        category = "Networking"
        attack = "T1105,T1059.004"
        class = "trojan"
    strings:
        $a1 = /[.\/_-]mips\b/
        $a2 = /[.\/_-](mpsl|mipsel|mipsle)\b/
        $a3 = /[.\/_-]arm(v?[4567]l?|v?[4567])\b/
        $a4 = /[.\/_-]sh4\b/
        $a5 = /[.\/_-](ppc|powerpc)\b/
        $a6 = /[.\/_-]m68k\b/
        $a7 = /[.\/_-](spc|sparc)\b/
        $a8 = /[.\/_-](x86|i[56]86|x86_64)\b/
        $get = /(wget|curl|tftp|ftpget) [^\n]{0,80}(http|ftp:|-g|-r|\$)/
        $run = /chmod {1,3}(\+x|[0-7]?777|a\+x|u\+x)/
        $go = /(cd \/tmp|cd \/var\/run|cd \/mnt|\|\| ?cd |; ?\.\/|rm -rf)/
    condition:
        filesize < 100KB and uint32(0) != 0x464c457f and 4 of ($a*) and #get >= 3 and $run and $go
}

rule Linux_Dropper_From_Bare_Address
{
    meta:
        description = "A shell script that fetches a program from a bare address, makes it executable and starts it."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 38
        severity = "high"
        category = "Networking"
        attack = "T1105,T1059.004"
        class = "trojan"
    strings:
        $get = /(wget|curl|lwp-download|fetch) [^\n]{0,80}https?:\/\/\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}[:\/]/
        $run = /chmod {1,3}(-R )?(\+x|[0-7]?7[0-7]{2}|a\+x|u\+x)/
        $start1 = /(;|&&|\n) {0,8}(nohup |setsid |sudo )?\.\/[^\n]/
        $start2 = /(;|&&|\n) {0,8}(nohup |setsid |sudo |sh |bash )?\/(tmp|var\/tmp|dev\/shm|var\/run)\/[^\n]/
    condition:
        filesize < 200KB and uint32(0) != 0x464c457f and $get and $run and any of ($start*)
}

rule Linux_Reverse_Shell_Command
{
    meta:
        description = "A command that gives a shell to somebody on the network."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 50
        severity = "high"
        category = "Remote Access Functionality"
        attack = "T1059.004,T1095"
        class = "trojan"
    strings:
        $a = /(ba|z|k)?sh {1,3}-i {0,3}(>&|&>|[0-9]?>|<>) {0,3}\/dev\/(tcp|udp)\/[\w.$\{\}-]{1,60}\/[\d$]/
        $b = /exec {1,3}\d{1,3}<> {0,3}\/dev\/(tcp|udp)\/[\w.$\{\}-]{1,60}\/[\d$]/
        $c = /mkfifo {1,3}(\/[\w\/.-]{1,60})[^\n]{1,60}(\/bin\/)?(ba)?sh {1,3}-i {1,3}2>&1 {0,3}\| {0,3}(nc|ncat|netcat|telnet|openssl)/
        $d = /\b(nc|ncat|netcat)(\.traditional|\.openbsd)? [^\n|;]{0,60}-[a-z]{0,4}[ec] {0,3}["']?(\/usr)?\/bin\/(ba|da|z)?sh/
        $e = /socat {1,3}[^\n]{0,120}exec:["']?(\/bin\/)?(ba)?sh/ nocase
        $f = /telnet {1,3}[\w.]{4,60} {1,3}\d{2,5} {0,3}\| {0,3}\/bin\/(ba)?sh {0,3}\| {0,3}telnet/
        $g = /awk {1,3}['"]BEGIN ?\{[^\n]{0,20}\/inet\/tcp\//
    condition:
        filesize < 10MB and (uint32(0) != 0x464c457f or filesize < 1MB) and any of them
}

rule Linux_Reverse_Shell_Script
{
    meta:
        description = "A script that connects to the network and hands a shell to the other side."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 48
        severity = "high"
        category = "Remote Access Functionality"
        attack = "T1059,T1095"
        class = "trojan"
    strings:
        $py1 = /os\.dup2 ?\( ?\w{1,20}\.fileno ?\(\) ?, ?[012] ?\)/
        $py2 = /(pty\.spawn|subprocess\.(call|run|Popen)|os\.exec[lv]p?e?|os\.system) ?\( ?\[? ?["'](\/bin\/)?(ba|da|z)?sh\b/
        $py3 = "socket."
        $pl1 = /open ?\( ?STDIN ?, ?["'][<>]{1,2}&/
        $pl2 = /exec ?\(? ?["']\/bin\/(ba)?sh/
        $pl3 = "use Socket"
        $pl4 = "IO::Socket"
        $rb1 = /TCPSocket\.(new|open) ?\(/
        $rb2 = /exec ?\(? ?(sprintf ?\(? ?)?["']\/bin\/(ba)?sh -i/
        $rb3 = "IO.popen("
        $php1 = /fsockopen ?\(/
        $php2 = /(exec|shell_exec|system|passthru|proc_open|popen) ?\( ?["'](\/bin\/)?(ba)?sh -i/
        $js1 = /\.spawn ?\( ?["'](\/bin\/(ba)?sh|cmd\.exe)["']/
        $js2 = /\.pipe ?\( ?\w{1,20}\.stdin ?\)/
        $js3 = "net.Socket"
        $js4 = ".connect("
    condition:
        filesize < 1MB and uint32(0) != 0x464c457f and
        ((#py1 >= 2 and $py2 and $py3) or (#pl1 >= 1 and $pl2 and any of ($pl3, $pl4)) or ($rb1 and ($rb2 or ($rb3 and $pl2))) or
        ($php1 and $php2) or ($js1 and $js2 and ($js3 or $js4)))
}

rule Linux_Rootkit_Preload
{
    meta:
        description = "A library that puts itself before the functions of the system to hide files, processes or connections."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 55
        severity = "high"
        category = "Hooking and other Techniques for Hiding and Protection"
        attack = "T1014,T1574.006"
        class = "evader"
    strings:
        $h1 = "readdir64"
        $h2 = "readdir"
        $h3 = "fopen64"
        $h4 = "__lxstat"
        $h5 = "__xstat64"
        $h6 = "unlinkat"
        $h7 = "pam_authenticate"
        $h8 = "pcap_loop"
        $dl = "dlsym"
        $t1 = "/etc/ld.so.preload"
        $t2 = "/proc/net/tcp"
        $t3 = "/proc/self/fd/%d"
        $t4 = "/proc/%d/stat"
        $t5 = "HIDE" nocase
        $t6 = "/proc/self/maps"
        $x = "libasan"
    condition:
        uint32(0) == 0x464c457f and uint16(16) == 3 and filesize < 2MB and $dl and not $x and 3 of ($h*) and
        (($t1 and any of ($t2, $t3, $t4, $t5, $t6)) or ($t2 and $t5))
}

rule Linux_Rootkit_Module
{
    meta:
        description = "A kernel module that changes the system call table or hides processes, files or itself."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 55
        severity = "high"
        category = "Hooking and other Techniques for Hiding and Protection"
        attack = "T1014,T1547.006"
        class = "evader"
    strings:
        $mod = "vermagic="
        $t1 = "sys_call_table"
        $t2 = "kallsyms_lookup_name"
        $t3 = "__x64_sys_getdents64"
        $t4 = "tcp4_seq_show"
        $t5 = "__x64_sys_kill"
        $t6 = "filldir64"
        $t7 = "commit_creds"
        $t8 = "prepare_creds"
        $t9 = "ftrace_set_filter_ip"
        $w1 = "hide" nocase
        $w2 = "rootkit" nocase
        $w3 = "backdoor" nocase
        $w4 = "hook_" nocase
    condition:
        uint32(0) == 0x464c457f and uint16(16) == 1 and filesize < 5MB and $mod and 3 of ($t*) and any of ($w*)
}

rule Linux_Rootkit_Bpf
{
    meta:
        description = "A program for the kernel's virtual machine (eBPF) that changes what others read from folders."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 40
        severity = "high"
        category = "Hooking and other Techniques for Hiding and Protection"
        attack = "T1014"
        class = "evader"
    strings:
        $in = /sys_enter_getdents(64)?/
        $out = /sys_exit_getdents(64)?/
        $write = "probe_write_user"
        $w1 = /\b(hide|hidden)_?(pid|file|port|ppid)/ nocase
        $w2 = "pid_to_hide"
        $w3 = /\bpatch(ed|_dirent|_if_found)/
    condition:
        uint32(0) == 0x464c457f and filesize < 20MB and $in and $out and ($write or any of ($w*))
}

rule Linux_Tiny_Program
{
    meta:
        description = "An ELF program of a few hundred bytes without sections whose only segment is writable and executable: a loader of machine code."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 35
        severity = "high"
        category = "Exploits"
        attack = "T1620,T1027"
        class = "exploiter"
    condition:
        uint32(0) == 0x464c457f and filesize < 3KB and elf.number_of_sections == 0 and elf.number_of_segments > 0 and
        elf.number_of_segments < 3 and elf.segments[0].type == elf.PT_LOAD and elf.segments[0].flags & 3 == 3
}

rule Linux_Shellcode_Connects
{
    meta:
        description = "Machine code that connects to the network and becomes a shell or loads more code."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 45
        severity = "high"
        category = "Exploits"
        attack = "T1059,T1095"
        class = "exploiter"
    strings:
        // push 41; pop rax; cdq; push 2; pop rdi; push 1; pop rsi; syscall: socket(AF_INET, SOCK_STREAM, 0)
        $socket64 = { 6A 29 58 99 6A 02 5F 6A 01 5E 0F 05 }
        // push 42; pop rax; syscall: connect
        $connect64 = { 6A 2A 58 [0-4] 0F 05 }
        // push 59; pop rax: execve
        $exec64 = { 6A 3B 58 }
        // push 9; pop rax ... mmap of a page that is executable, then read into it
        $mmap64 = { 6A 09 58 99 B6 10 }
        // xor ebx, ebx; mul ebx; push ebx; inc ebx; push ebx; push 2: socketcall
        $socket32 = { 31 DB F7 E3 53 43 53 6A 02 }
        $call32 = { B0 66 89 E1 CD 80 }
    condition:
        filesize < 20MB and (($socket64 and ($connect64 or $exec64 or $mmap64)) or ($socket32 and $call32))
}

rule Linux_Memory_Only_Loader
{
    meta:
        description = "A script that makes a file in memory, fills it with a program and starts it from there."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 48
        severity = "high"
        category = "Hooking and other Techniques for Hiding and Protection"
        attack = "T1620,T1027.011"
        class = "evader"
    strings:
        $m1 = /\bmemfd_create ?\(/
        $m2 = /syscall ?\(? ?(319|279|356)\b/
        $m3 = /\.syscall ?\( ?(319|279|356)\b/
        $fd = /\/proc\/(self|\$\$|%[sd]|\$\{?pid\}?|\{[^}\n]{0,20}\})\/fd\//
        $run1 = "exec" nocase
        $lang1 = "ctypes"
        $lang2 = "import os"
        $lang3 = "use strict"
        $lang4 = "perl"
        $lang5 = "python"
        $lang6 = "syscall"
    condition:
        filesize < 5MB and uint32(0) != 0x464c457f and uint16(0) == 0x2123 and any of ($m*) and $fd and $run1 and any of ($lang*)
}

rule Linux_Persistence_Cron_Fetch
{
    meta:
        description = "A scheduled job that fetches commands from the network and runs them."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 48
        severity = "high"
        category = "Persistence and Installation Behavior"
        attack = "T1053.003,T1105"
        class = "trojan"
    strings:
        $a = /(\*|@(reboot|hourly|daily)|\*\/\d{1,2})[ \t*\/0-9]{1,20}(root )?[^\n]{0,60}(curl|wget) [^\n|]{1,200}\| {0,3}(\/bin\/)?(ba|da)?sh\b/
        $b = /(\*|@(reboot|hourly|daily)|\*\/\d{1,2})[ \t*\/0-9]{1,20}(root )?[^\n]{0,60}base64 (-d|--decode)[^\n|]{0,40}\| {0,3}(\/bin\/)?(ba|da)?sh\b/
        $cron = /(crontab|\/etc\/cron|\/var\/spool\/cron|SHELL=|@reboot|\* \* \* \*)/
    condition:
        filesize < 1MB and any of ($a, $b) and $cron
}

rule Linux_Persistence_Unit_In_Tmp
{
    meta:
        description = "A service that starts a program from a folder for temporary or hidden files at each boot."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 38
        severity = "high"
        category = "Boot Survival"
        attack = "T1543.002"
        class = "trojan"
    strings:
        $unit = "[Service]"
        $exec = /ExecStart=[-@+!]{0,2}(\/bin\/(ba)?sh -c ["']?)?\/(tmp|var\/tmp|dev\/shm|run\/user|var\/run)\/[^\n]/
        $exec2 = /ExecStart=[-@+!]{0,2}\/([\w-]{1,20}\/){0,4}\.[a-zA-Z0-9]/
        $want = "WantedBy="
    condition:
        filesize < 1MB and uint32(0) != 0x464c457f and $unit and any of ($exec*) and $want
}

rule Linux_Defences_Off
{
    meta:
        description = "A script that switches off several protections of the machine: firewall, SELinux, AppArmor, audit, agents of the cloud."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 38
        severity = "high"
        category = "Lowering of HIPS / PFW / Operating System Security Settings"
        attack = "T1685,T1686"
        class = "evader"
    strings:
        $a = "setenforce 0"
        $b = /(iptables -F|ufw disable|nft flush ruleset|stop firewalld|disable firewalld)/
        $c = /(stop|disable) (apparmor|auditd|rsyslog|falcon-sensor|wazuh-agent|clamav-daemon)/
        $d = "SELINUX=disabled"
        $e = /(aegis|aliyun[._-]service|qcloud|cloudmonitor|yunjing|bcm-agent)/ nocase
        $f = /(auditctl -e ?0|auditctl -D\b)/
        $g = /chattr -[a-zA-Z]{0,3}i[a-zA-Z]{0,3} \/(etc|usr|var)\//
        $h = /(pkill|killall)[^\n]{0,20}(auditd|clamd|falcon|osqueryd|wazuh|rsyslogd)/
        $i = "/proc/sys/kernel/nmi_watchdog"
        $j = "ulimit -n 65535"
    condition:
        filesize < 500KB and uint16(0) == 0x2123 and 3 of them
}

rule Linux_Traces_Removed
{
    meta:
        description = "A script that removes the traces of a visit: shell history and logs of logins."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 35
        severity = "high"
        category = "Hooking and other Techniques for Hiding and Protection"
        attack = "T1070.003,T1685.006"
        class = "evader"
    strings:
        $a = /(HISTFILE=\/dev\/null|unset HISTFILE|HISTSIZE=0|set \+o history)/
        $b = "history -c"
        $c = /(> ?|rm -r?f? ?|truncate [^\n]{0,20}|shred [^\n]{0,20}|cat \/dev\/null ?> ?)\/var\/log\/(wtmp|btmp|lastlog|auth\.log|secure|utmp)/
        $d = /(rm|shred|> ?|ln -sf \/dev\/null) [^\n]{0,30}\.bash_history/
        $e = "journalctl --vacuum"
        $f = /sed -i [^\n]{1,60}\/var\/log\/(auth|secure|messages|syslog)/
    condition:
        filesize < 1MB and uint32(0) != 0x464c457f and 3 of them
}

rule Linux_Ssh_Key_Planted
{
    meta:
        description = "A script that adds its own key to those that may log in by SSH."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 35
        severity = "high"
        category = "Persistence and Installation Behavior"
        attack = "T1098.004"
        class = "trojan"
    strings:
        $key = /(ssh-(rsa|ed25519|dss)|ecdsa-sha2-nistp256) AAAA[A-Za-z0-9+\/]{40}/
        $file = /> {0,2}["']?[~$\/\w{}.-]{0,40}\.ssh\/authorized_keys/
        $file2 = /chattr {1,3}\+i[^\n]{0,40}authorized_keys/
        $file3 = /open ?\([^\n]{0,60}authorized_keys["'][^\n]{0,10}["'][aw]/
    condition:
        filesize < 1MB and uint32(0) != 0x464c457f and $key and any of ($file*)
}

rule Linux_Exploit_Messages
{
    meta:
        description = "A program that uses a hole in the kernel to become root: the names of kernel functions and the messages of exploits."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 48
        severity = "high"
        category = "Privilege Escalation"
        attack = "T1068"
        class = "exploiter"
    strings:
        $k1 = "commit_creds"
        $k2 = "prepare_kernel_cred"
        $k3 = "modprobe_path"
        $k4 = "/proc/kallsyms"
        $k5 = "core_pattern"
        $m1 = /\[[+*!]\] ?(got root|spawning (a )?(root )?shell|root shell|leak(ed|ing)? kernel|kernel base|kaslr|exploit (success|fail)|overwrit)/ nocase
        $m2 = /(got r00t|popping root shell|you are root|uid=0\(root\)|enjoy your root)/ nocase
        $m3 = "dirty" nocase
        $u1 = "unshare"
        $u2 = "userfaultfd"
        $u3 = "io_uring"
        $u4 = "/bin/sh"
        $bcc = "libbpf"
        $perf = "perf_event"
    condition:
        filesize < 3MB and uint32(0) == 0x464c457f and
        (($k1 and $k2 and not $bcc and not $perf and ($u4 or any of ($m*))) or ($m1 and any of ($k*)) or
        ($m1 and $m2 and any of ($u*)) or ($m3 and $m1 and any of ($u*)))
}

rule Linux_Container_Escape
{
    meta:
        description = "Steps out of a container: release_agent of control groups, the Docker socket or the disks of the host."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 42
        severity = "high"
        category = "Privilege Escalation"
        attack = "T1611"
        class = "exploiter"
    strings:
        $cg1 = "release_agent"
        $cg2 = "notify_on_release"
        $cg3 = /mount -t cgroup/
        $d1 = "/var/run/docker.sock"
        $d2 = "/containers/create"
        $d3 = /"Binds" ?: ?\[ ?"\/:/
        $d4 = /docker (-H [^\n]{1,60} )?run [^\n]{0,120}(-v|--volume|--mount)[= ][^\n]{0,12}\/:\/[^\n]{1,100}(chroot|sh|crontab)/
        $d5 = /--privileged[^\n]{0,120}(nsenter|chroot \/)/
        $n = /nsenter [^\n]{0,40}(-t ?1|--target[= ]1)\b/
    condition:
        filesize < 1MB and uint32(0) != 0x464c457f and
        (($cg1 and $cg2 and $cg3) or ($d1 and $d2 and $d3) or $d4 or $d5 or ($n and ($d1 or $cg1)))
}
