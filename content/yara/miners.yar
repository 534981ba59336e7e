// SPDX-License-Identifier: GPL-3.0-or-later

rule Miner_Pool_Settings
{
    meta:
        description = "Settings of a coin miner: a pool address with an algorithm and a wallet."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 45
        severity = "high"
        category = "Bitcoin Miner"
        attack = "T1496.001"
        class = "miner"
    strings:
        $pools = "\"pools\""
        $stratum = /stratum\+(tcp|ssl|tls|udp):\/\/[a-zA-Z0-9.-]{4,80}:\d{2,5}/
        $url = /"url" ?: ?"(stratum\+[a-z]{3}:\/\/)?[a-zA-Z0-9.-]{4,80}:\d{2,5}"/
        $algo = /"(algo|coin)" ?: ?("|null)/
        $user = /"(user|wallet|pass)" ?: ?"/
        $donate = "\"donate-level\""
        $flag = /(-o|--url)[ =](stratum\+[a-z]{3}:\/\/)?[a-zA-Z0-9.-]{4,80}:\d{2,5} {1,3}(-u|--user)[ =]/
    condition:
        filesize < 2MB and (($pools and ($url or $stratum) and ($algo or $donate) and $user) or
        ($stratum and ($algo or $user or $donate)) or ($flag and $stratum))
}

rule Miner_Xmrig_Program
{
    meta:
        description = "The coin miner XMRig or a program made from it."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 60
        severity = "high"
        category = "Bitcoin Miner"
        attack = "T1496.001"
        class = "miner"
        malware = "XMRig"
    strings:
        $a = "donate-level"
        $b = "cpu-max-threads-hint"
        $c = "randomx-wrmsr"
        $d = "randomx-1gb-pages"
        $e = "huge-pages-jit"
        $f = "nicehash"
        $g = "rig-id"
        $h = "cn-heavy"
        $i = "randomx"
        $j = "xmrig"
        $k = "pause-on-battery"
        $l = "RandomX"
        $m = "argon2-impl"
    condition:
        (uint32(0) == 0x464c457f or uint16(0) == 0x5a4d or uint32(0) == 0xfeedfacf) and 5 of them
}

rule Miner_Stratum_Program
{
    meta:
        description = "A program that speaks Stratum, the protocol between coin miners and their pools."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 40
        severity = "high"
        category = "Bitcoin Miner"
        attack = "T1496.001"
        class = "miner"
    strings:
        $a = "mining.subscribe"
        $b = "mining.authorize"
        $c = "mining.submit"
        $d = "mining.notify"
        $e = "mining.set_difficulty"
        $f = "mining.set_target"
        $g = "mining.extranonce.subscribe"
        $h = "stratum+tcp://"
    condition:
        (uint32(0) == 0x464c457f or uint16(0) == 0x5a4d or uint32(0) == 0xfeedfacf) and 3 of them
}

rule Miner_Monero_Login
{
    meta:
        description = "A login to a Monero pool: a wallet address as the user of a JSON-RPC call or of a miner's command line."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 50
        severity = "high"
        category = "Bitcoin Miner"
        attack = "T1496.001"
        class = "miner"
    strings:
        $login = /"login" ?: ?"[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}/
        $user = /"user" ?: ?"[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}/
        $flag = /(-u|--user|--wallet)[ =]["']?[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}/
        $variable = /\b(WALLET|wallet|XMR|ADDR|ADDRESS)=["']?[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}/
    condition:
        any of them
}

rule Miner_Installer_Script
{
    meta:
        description = "A shell script that fetches a coin miner and keeps it running."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 55
        severity = "high"
        category = "Bitcoin Miner"
        attack = "T1496.001,T1105,T1053.003"
        class = "miner"
    strings:
        $name1 = "xmrig"
        $name2 = "minerd"
        $name3 = "cpuminer"
        $name4 = "xmr-stak"
        $name5 = "lolMiner"
        $name6 = "t-rex"
        $name7 = "nbminer"
        $pool1 = "stratum+"
        $pool2 = /(pool|xmr|monero|mine)[a-z0-9.-]{1,40}:(3333|4444|5555|7777|8888|9999|14433|14444|443|80)\b/
        $pool3 = "--donate-level"
        $get1 = "wget "
        $get2 = "curl "
        $keep1 = "crontab"
        $keep2 = "nohup "
        $keep3 = "systemctl enable"
        $keep4 = "/etc/cron."
        $keep5 = "rc.local"
    condition:
        uint16(0) == 0x2123 and filesize < 1MB and any of ($name*) and any of ($pool*) and any of ($get*) and any of ($keep*)
}

rule Miner_Tuning_Script
{
    meta:
        description = "A script that tunes the machine for coin mining (model specific registers, huge pages) and hides the load."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 25
        severity = "medium"
        category = "Bitcoin Miner"
        attack = "T1496.001"
        class = "miner"
    strings:
        $msr = "modprobe msr"
        $wrmsr = /wrmsr -a 0x(1a4|c0011020|c0011021|c0011022|c001102b)/
        $pages = /(vm\.nr_hugepages[ =]|\/proc\/sys\/vm\/nr_hugepages)/
        $pages2 = "hugepages-1048576kB/nr_hugepages"
    condition:
        filesize < 1MB and uint16(0) == 0x2123 and $msr and ($wrmsr or $pages or $pages2)
}

rule Miner_In_Web_Page
{
    meta:
        description = "A web page that mines coins in the browser of its reader."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 40
        severity = "high"
        category = "Bitcoin Miner"
        attack = "T1496.001"
        class = "miner"
    strings:
        $a = /new (CoinHive|CoinImp|CryptoLoot|Client|deepMiner|JSEcoin)\.(Anonymous|User|Token) ?\(/
        $b = /new Client\.Anonymous ?\(['"][0-9a-f]{64}['"]/
        $c = "cryptonight.wasm"
        $d = "coinhive.min.js"
        $e = /startMining ?\( ?["'][a-z0-9.-]{4,60}["'] ?, ?["'][48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}/
        $client = "new Client.Anonymous"
        $throttle = "throttle"
    condition:
        filesize < 5MB and ($b or $d or $e or ($c and $throttle) or ($a and not $client))
}
