// SPDX-License-Identifier: GPL-3.0-or-later

rule Net_Telegram_Bot
{
    meta:
        description = "Reports to a Telegram bot: the address of the bot with its token is inside."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 22
        severity = "medium"
        category = "Networking"
        attack = "T1102.002,T1567"
        class = "trojan"
    strings:
        $a = /api\.telegram\.org\/bot\d{8,10}:[A-Za-z0-9_-]{35}/ ascii wide
        $b = "api.telegram.org/bot" ascii wide
        $token = /\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b/ ascii wide
        $call1 = "sendDocument" ascii wide
        $call2 = "sendMessage" ascii wide
        $call3 = "getUpdates" ascii wide
    condition:
        filesize < 60MB and ($a or ($b and $token)) and any of ($call*)
}

rule Net_Discord_Webhook
{
    meta:
        description = "Reports to a Discord channel: the address of the web hook with its key is inside."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 20
        severity = "medium"
        category = "Networking"
        attack = "T1567.004"
        class = "spyware"
    strings:
        $a = /discord(app)?\.com\/api\/(v\d{1,2}\/)?webhooks\/\d{17,20}\/[A-Za-z0-9_-]{60}/ ascii wide
    condition:
        filesize < 60MB and $a
}

rule Net_Paste_Run
{
    meta:
        description = "Fetches commands from a public paste or file drop and runs them."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 35
        severity = "high"
        category = "Networking"
        attack = "T1102,T1105"
        class = "trojan"
    strings:
        $a = /(curl|wget) [^\n|]{0,60}(pastebin\.com\/raw|paste\.ee\/r|hastebin\.com\/raw|rentry\.co\/[^\n|]{1,40}\/raw|transfer\.sh|ix\.io|0x0\.st|termbin\.com|dpaste\.(com|org)|bashupload\.com|oshi\.at)[^\n|]{0,80}\| {0,3}(sudo )?(base64 -d ?\| ?)?(\/bin\/)?(ba|da)?sh\b/
        $b = /(iex|invoke-expression)[^\r\n]{0,120}(pastebin\.com\/raw|paste\.ee\/r|hastebin\.com\/raw|transfer\.sh|0x0\.st)/ nocase
        $c = /(exec|eval) ?\([^\r\n]{0,80}(pastebin\.com\/raw|paste\.ee\/r|hastebin\.com\/raw|transfer\.sh|0x0\.st)/ nocase
    condition:
        filesize < 5MB and any of them
}

rule Net_Hidden_Service
{
    meta:
        description = "A program with the address of a hidden service, and a way to get there."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 28
        severity = "medium"
        category = "Networking"
        attack = "T1090.003"
        class = "trojan"
    strings:
        $onion = /\b[a-z2-7]{56}\.onion/ ascii wide
        $way1 = "127.0.0.1:9050" ascii wide
        $way2 = "localhost:9050" ascii wide
        $way3 = "socks5h://" ascii wide
        $way4 = "tor2web" ascii wide
        $way5 = /\.onion\.(to|ws|pet|ly|cab|city|link|moe|re|sh|foundation|dog)\b/ ascii wide
        $way6 = "SocksPort" ascii wide
        $way7 = "127.0.0.1:9150" ascii wide
        $list = "check.torproject.org"
    condition:
        filesize < 60MB and (uint32(0) == 0x464c457f or uint16(0) == 0x5a4d or uint16(0) == 0x2123) and
        $onion and any of ($way*) and not $list
}

rule Net_Tunnel_Settings
{
    meta:
        description = "Settings of a tunnel program that opens the machine to the outside through somebody's server."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 18
        severity = "medium"
        category = "Remote Access Functionality"
        attack = "T1572,T1090"
        class = "trojan"
    strings:
        $frp1 = "server_addr"
        $frp2 = "serverAddr"
        $frp3 = "server_port"
        $frp4 = "serverPort"
        $frp5 = "remote_port"
        $frp6 = "remotePort"
        $frp7 = "local_port"
        $frp8 = "localPort"
        $ip = /(server_addr|serverAddr) ?= ?["']?\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}/
        $chisel = /chisel (client|server) [^\n]{0,80}R:/
        $ngrok = /ngrok (authtoken|config add-authtoken|tcp) [^\n]{2}/
        $ssh = /ssh [^\n]{0,120}-R ?\d{2,5}:(localhost|127\.0\.0\.1):\d{2,5} [^\n]{1,60}(serveo|localhost\.run|pinggy|srv\.us)/
        $gs = /gs-netcat [^\n]{0,40}-[a-z]{0,6}[le]/
    condition:
        filesize < 200KB and uint32(0) != 0x464c457f and
        (($ip and any of ($frp3, $frp4) and any of ($frp5, $frp6) and any of ($frp7, $frp8) and any of ($frp1, $frp2)) or
        $chisel or ($ngrok and filesize < 5KB) or $ssh or $gs)
}

rule Net_Fixed_Old_Browser
{
    meta:
        description = "A Linux program that pretends to be a browser of old Windows when it talks to its server."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 18
        severity = "medium"
        category = "Networking"
        attack = "T1071.001"
        class = "trojan"
    strings:
        $ua1 = /User-Agent: ?Mozilla\/[45]\.0 \((compatible; MSIE [5-9]|Windows NT (5|6)\.[0-3])/
        $http = /(GET|POST) (%s|\/[%\w.\/?=&-]{0,60}) HTTP\/1\.[01]\r\n/
        $host = "Host: %s"
    condition:
        uint32(0) == 0x464c457f and filesize < 5MB and $ua1 and $http and $host
}

rule Net_Dns_Tunnel_Program
{
    meta:
        description = "A program that moves data or a shell through DNS questions."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 38
        severity = "high"
        category = "Networking"
        attack = "T1071.004,T1572"
        class = "trojan"
        malware = "dnscat2"
    strings:
        $a = "dnscat2"
        $b = "dnscat."
        $c = "--secret"
        $d = "COMMAND_SHELL"
        $e = "ENCRYPTION: %s"
        $f = "[[ WARNING ]] :: Starting: /bin/sh"
        $g = "session_id"
        $h = "TUNNEL_CONNECT"
    condition:
        (uint32(0) == 0x464c457f or uint16(0) == 0x5a4d) and filesize < 20MB and ($a or $b) and 2 of ($c, $d, $e, $f, $g, $h)
}

rule Net_Scanner_Script
{
    meta:
        description = "A script that scans large networks for open services and goes on with what it finds."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 28
        severity = "medium"
        category = "Spreading"
        attack = "T1046,T1595.001"
        class = "spreading"
    strings:
        $tool1 = /\b(masscan|pnscan|zmap|zgrab) [^\n]{0,120}(\/8|\/16|\/12|0\.0\.0\.0\/0|-p ?\d|--rate|\.0\.0)/
        $use1 = "docker -H"
        $use2 = "redis-cli -h"
        $use3 = "sshpass"
        $use4 = /ssh [^\n]{0,120}StrictHostKeyChecking[= ]no/
        $use5 = "config set dir"
        $get = /(apt-get|yum|apk|dnf) [^\n]{0,40}(masscan|pnscan|zmap)/
    condition:
        filesize < 500KB and uint16(0) == 0x2123 and $tool1 and (any of ($use*) or $get)
}

rule Net_Redis_Takeover
{
    meta:
        description = "Commands that make an open Redis database write a cron job, a key or a library on its host."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 48
        severity = "high"
        category = "Spreading"
        attack = "T1210,T1053.003"
        class = "spreading"
    strings:
        $dir = /config set dir ["']?\/(var\/spool\/cron|etc\/cron|root\/\.ssh|home\/|tmp|var\/lib\/redis)/ nocase
        $name = /config set dbfilename ["']?(root|authorized_keys|crontab|[a-z0-9_-]{1,20}(\.so)?)\b/ nocase
        $mod = /module load ["']?\/(tmp|var\/tmp|dev\/shm|var\/lib\/redis)/ nocase
        $slave = /slaveof [\d.]{7,15} \d/ nocase
        $save = /\b(save|bgsave)\b/ nocase
    condition:
        filesize < 10MB and (($dir and $name and $save) or ($mod and ($slave or $dir)))
}
