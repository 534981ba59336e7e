// SPDX-License-Identifier: GPL-3.0-or-later
import "pe"

rule Cred_Browser_Stores_Of_Many
{
    meta:
        description = "Reads the stored passwords and cookies of several browsers: their folders and files are named together."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 40
        severity = "high"
        category = "Stealing of Sensitive Information"
        attack = "T1555.003,T1539"
        class = "spyware"
    strings:
        $b1 = /(Google[\/\\]{1,2}Chrome[\/\\]|\.config\/google-chrome)/ nocase ascii wide
        $b2 = "BraveSoftware" ascii wide
        $b3 = "Opera Software" ascii wide
        $b4 = "YandexBrowser" nocase ascii wide
        $b5 = /Microsoft[\/\\]{1,2}Edge[\/\\]/ ascii wide
        $b6 = "Vivaldi" ascii wide
        $b7 = /(Mozilla[\/\\]{1,2}Firefox[\/\\]|\.mozilla\/firefox)/ nocase ascii wide
        $b8 = "Torch\\User Data" ascii wide
        $b9 = "Comodo\\Dragon" ascii wide
        $f1 = "Login Data" ascii wide
        $f2 = "logins.json" ascii wide
        $f3 = "key4.db" ascii wide
        $f4 = "cookies.sqlite" ascii wide
        $f5 = "encrypted_key" ascii wide
        $f6 = "password_value" ascii wide
        $f7 = "CryptUnprotectData" ascii wide
    condition:
        filesize < 100MB and 3 of ($b*) and 3 of ($f*)
}

rule Cred_Browser_Query
{
    meta:
        description = "Reads the password table of Chrome-like browsers with an SQL query."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 35
        severity = "high"
        category = "Stealing of Sensitive Information"
        attack = "T1555.003"
        class = "spyware"
    strings:
        $a = /select [^\r\n;]{0,80}username_value ?, ?password_value[^\r\n;]{0,60} from ["'`]?logins/ nocase ascii wide
        $b = /select [^\r\n;]{0,60}host_key[^\r\n;]{0,80}encrypted_value[^\r\n;]{0,60} from ["'`]?cookies/ nocase ascii wide
        $c = /select [^\r\n;]{0,60}name_on_card[^\r\n;]{0,120}card_number_encrypted[^\r\n;]{0,60} from ["'`]?credit_cards/ nocase ascii wide
        $chromium = "origin_url, action_url, username_element"
    condition:
        filesize < 60MB and any of ($a, $b, $c) and not $chromium
}

rule Cred_Windows_Logon_Commands
{
    meta:
        description = "The commands of a tool that takes passwords and tickets out of the memory of Windows."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 60
        severity = "high"
        category = "Stealing of Sensitive Information"
        attack = "T1003.001,T1003.002,T1558.001"
        class = "spyware"
        malware = "Mimikatz"
    strings:
        $a = "sekurlsa::" nocase ascii wide
        $b = "lsadump::" nocase ascii wide
        $c = "kerberos::golden" nocase ascii wide
        $d = "privilege::debug" nocase ascii wide
        $e = "logonpasswords" nocase ascii wide
        $f = "kerberos::ptt" nocase ascii wide
        $g = "gentilkiwi" nocase ascii wide
        $h = "token::elevate" nocase ascii wide
    condition:
        filesize < 50MB and 3 of them
}

rule Cred_Lsass_Dump
{
    meta:
        description = "Copies the memory of the logon process of Windows (lsass), which holds passwords."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 45
        severity = "high"
        category = "Stealing of Sensitive Information"
        attack = "T1003.001"
        class = "spyware"
    strings:
        $lsass = "lsass" nocase ascii wide
        $dump1 = "MiniDumpWriteDump" ascii wide
        $debug = "SeDebugPrivilege" ascii wide
        $svc = /comsvcs(\.dll)?["', ]{1,4}(#24|MiniDump)/ nocase ascii wide
        $procdump = /procdump(64)?(\.exe)? [^\r\n]{0,40}-ma [^\r\n]{0,20}lsass/ nocase ascii wide
    condition:
        filesize < 50MB and (($lsass and $dump1 and $debug and uint16(0) == 0x5a4d) or $svc or $procdump)
}

rule Cred_Linux_Secret_Collector
{
    meta:
        description = "Names the places of keys and passwords of many programs together with a way to pack or send them."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 25
        severity = "medium"
        category = "Stealing of Sensitive Information"
        attack = "T1552.001,T1552.004,T1005"
        class = "spyware"
    strings:
        $k1 = ".aws/credentials"
        $k2 = /\.ssh\/(id_(rsa|ed25519|ecdsa|dsa)|\*)/
        $k3 = ".kube/config"
        $k4 = ".docker/config.json"
        $k5 = ".git-credentials"
        $k6 = ".netrc"
        $k7 = ".pgpass"
        $k8 = "gcloud/credentials.db"
        $k9 = "application_default_credentials.json"
        $k10 = ".azure/accessTokens.json"
        $k11 = ".npmrc"
        $k12 = ".pypirc"
        $k13 = "/etc/shadow"
        $k14 = ".bash_history"
        $k15 = ".mozilla/firefox"
        $s1 = "curl "
        $s2 = "requests.post"
        $s3 = "wget --post"
        $s4 = "urlopen("
        $s5 = "tar c"
        $s6 = "zipfile"
        $s7 = "http.request"
        $s8 = "fetch("
        $s9 = "multipart/form-data"
        $s10 = "POST /"
    condition:
        filesize < 20MB and 5 of ($k*) and any of ($s*) and
        (uint16(0) == 0x2123 or uint32(0) == 0x464c457f or filesize < 100KB)
}

rule Cred_Cloud_Metadata_Script
{
    meta:
        description = "A script that asks the cloud's metadata service for the keys of the machine."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 28
        severity = "medium"
        category = "Stealing of Sensitive Information"
        attack = "T1552.005"
        class = "spyware"
    strings:
        $aws = "169.254.169.254/latest/meta-data/iam/security-credentials"
        $aws2 = "169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
        $gcp = "computeMetadata/v1/instance/service-accounts/default/token"
        $azure = "169.254.169.254/metadata/identity/oauth2/token"
        $get1 = "curl "
        $get2 = "wget "
        $get3 = "requests.get"
        $get4 = "urlopen"
    condition:
        filesize < 100KB and uint16(0) == 0x2123 and any of ($aws, $aws2, $gcp, $azure) and any of ($get*)
}

rule Cred_Wallet_Collector
{
    meta:
        description = "Names the files of many crypto wallets: they are to be stolen."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 45
        severity = "high"
        category = "Stealing of Sensitive Information"
        attack = "T1005,T1657"
        class = "banker"
    strings:
        $a = "wallet.dat" nocase ascii wide
        $b = /Electrum[\/\\]{1,2}wallets/ nocase ascii wide
        $c = "exodus.wallet" nocase ascii wide
        $d = /Ethereum[\/\\]{1,2}keystore/ nocase ascii wide
        $e = /atomic[\/\\]{1,2}Local Storage/ nocase ascii wide
        $f = "nkbihfbeogaeaoehlefnkodbefgpgknn" ascii wide
        $g = "bfnaelmomeimhlpmgjnjophhpkkoljpa" ascii wide
        $h = "fhbohimaelbohpjbbldcngcnapndodjp" ascii wide
        $i = "ibnejdfjmmkpcnlpebklmnkoeoihofec" ascii wide
        $j = "com.liberty.jaxx" nocase ascii wide
        $k = /Coinomi[\/\\]{1,2}Coinomi[\/\\]{1,2}wallets/ nocase ascii wide
        $l = /Ledger Live/ ascii wide
    condition:
        filesize < 100MB and 4 of them
}

rule Cred_Chat_Tokens
{
    meta:
        description = "Searches the storage of Discord for login tokens."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 42
        severity = "high"
        category = "Stealing of Sensitive Information"
        attack = "T1528,T1539"
        class = "spyware"
    strings:
        $path = /Local Storage[\/\\]{1,4}leveldb/ nocase ascii wide
        $name1 = "discordcanary" nocase ascii wide
        $name2 = "discordptb" nocase ascii wide
        $re1 = "[\\w-]{24}\\.[\\w-]{6}\\.[\\w-]{" ascii wide
        $re2 = "mfa\\.[\\w-]{84}" ascii wide
        $re3 = "dQw4w9WgXcQ:" ascii wide
    condition:
        filesize < 100MB and ($path and (any of ($name*)) and any of ($re*) or (2 of ($re*)))
}

rule Cred_Telegram_Session
{
    meta:
        description = "Copies the session of Telegram Desktop, with which somebody else can log in."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 40
        severity = "high"
        category = "Stealing of Sensitive Information"
        attack = "T1539,T1005"
        class = "spyware"
    strings:
        $path = /Telegram Desktop[\/\\]{1,4}tdata/ nocase ascii wide
        $path2 = /TelegramDesktop[\/\\]{1,4}tdata/ nocase ascii wide
        $key = "D877F783D5D3EF8C" ascii wide
        $key2 = "A7FDF864FBC10B77" ascii wide
        $map = "key_datas" ascii wide
    condition:
        filesize < 60MB and any of ($path*) and any of ($key, $key2, $map)
}

rule Cred_Keylogger_Linux
{
    meta:
        description = "A Linux program that reads key strokes from the input devices and writes them down."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 38
        severity = "high"
        category = "Key, Mouse, Clipboard, Microphone and Screen Capturing"
        attack = "T1056.001"
        class = "spyware"
    strings:
        $dev = /\/dev\/input\/(event|by-path|by-id)/
        $list = "/proc/bus/input/devices"
        $word = /key(_| )?log(ger|file|s)?\b/ nocase
        $name1 = "<LShft>"
        $name2 = "<RShft>"
        $name3 = "<BckSp>"
        $name4 = "[BACKSPACE]"
        $name5 = "<Enter>"
        $name6 = "[LSHIFT]"
        $name7 = "<CpsLk>"
    condition:
        filesize < 10MB and ($dev or $list) and ($word or 3 of ($name*))
}

rule Cred_Keylogger_Windows
{
    meta:
        description = "A Windows program that records key strokes with the names of special keys."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 35
        severity = "high"
        category = "Key, Mouse, Clipboard, Microphone and Screen Capturing"
        attack = "T1056.001"
        class = "spyware"
    strings:
        $n1 = /[\[<{](BACKSPACE|BACK|BKSP)[\]>}]/ nocase ascii wide
        $n2 = /[\[<{](ENTER|RETURN)[\]>}]/ nocase ascii wide
        $n3 = /[\[<{](CAPS ?LOCK|CAPITAL)[\]>}]/ nocase ascii wide
        $n4 = /[\[<{](L?SHIFT|L?CTRL|L?CONTROL)[\]>}]/ nocase ascii wide
        $n5 = /[\[<{](ESC|ESCAPE|PRTSC|PRINT ?SCREEN|TAB|DEL|DELETE)[\]>}]/ nocase ascii wide
        $w1 = "GetForegroundWindow"
        $w2 = "GetWindowText"
    condition:
        pe.is_pe and filesize < 20MB and (pe.imports("user32.dll", "GetAsyncKeyState") or
        pe.imports("user32.dll", "SetWindowsHookExA") or pe.imports("user32.dll", "SetWindowsHookExW") or
        pe.imports("user32.dll", "GetKeyboardState")) and 3 of ($n*) and any of ($w*)
}

rule Cred_Pam_Backdoor
{
    meta:
        description = "A login module (PAM) that writes passwords to a hidden file or lets in with a fixed word."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 45
        severity = "high"
        category = "Stealing of Sensitive Information"
        attack = "T1556.003"
        class = "spyware"
    strings:
        $pam = "pam_sm_authenticate"
        $get1 = "pam_get_authtok"
        $get2 = "pam_get_item"
        $get3 = "pam_get_user"
        $file = /\/(tmp|var\/tmp|dev\/shm|var\/log|usr\/lib|usr\/share|etc|var\/run|run)\/\.[a-zA-Z0-9_.]{2}/
        $line1 = /%s ?[:|] ?%s/
        $line2 = /(user(name)?|login) ?[=:] ?%s[^\n]{0,20}pass(word|wd)? ?[=:] ?%s/ nocase
    condition:
        uint32(0) == 0x464c457f and uint16(16) == 3 and filesize < 2MB and $pam and any of ($get*) and $file and any of ($line*)
}

rule Cred_Ssh_Password_Guesser
{
    meta:
        description = "Tries a list of user names and passwords against SSH."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 40
        severity = "high"
        category = "Spreading"
        attack = "T1110.001,T1021.004"
        class = "spreading"
    strings:
        $lib1 = "ssh_userauth_password"
        $lib2 = "libssh2_userauth_password"
        $lib3 = "paramiko"
        $lib4 = "golang.org/x/crypto/ssh"
        $lib5 = "sshpass -p"
        $list1 = /root[:|, ]{1,3}(root|toor|123456|admin|password)\b/
        $list2 = /admin[:|, ]{1,3}(admin|1234|password|12345)\b/
        $list3 = /(ubuntu|pi|oracle|postgres|git|test)[:|, ]{1,3}(ubuntu|raspberry|oracle|postgres|git|test)\b/
        $scan1 = /\bport ?[=:] ?22\b/
        $scan2 = ":22"
        $scan3 = "brute" nocase
    condition:
        filesize < 30MB and any of ($lib*) and 2 of ($list*) and any of ($scan*)
}
