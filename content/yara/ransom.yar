// SPDX-License-Identifier: GPL-3.0-or-later
rule Ransom_Note
{
    meta:
        description = "A ransom note: files were encrypted, and coins or a hidden mailbox are named to get them back."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 50
        severity = "high"
        category = "Spam, unwanted Advertisements and Ransom Demands"
        attack = "T1486"
        class = "ransomware"
    strings:
        $lost1 = /(your|all|important|of your) (\w{1,12} )?(files|data|documents|databases|network|servers)[^\r\n]{0,60}(were|was|are|is|have been|has been) (\w{1,12} )?(encrypted|locked|crypted)/ nocase ascii wide
        $lost2 = /we (have )?(encrypted|locked) (all )?(of )?your/ nocase ascii wide
        $lost3 = "files are no longer accessible" nocase ascii wide
        $get1 = /decrypt(ion|or|er)? (key|tool|software|program|your|all|service)/ nocase ascii wide
        $get2 = /(recover|restore|return|unlock) (all )?(of )?(your|the) (files|data|documents|network)/ nocase ascii wide
        $pay1 = "bitcoin" nocase ascii wide
        $pay2 = "monero" nocase ascii wide
        $pay3 = /\d{1,4}([.,]\d{1,4})? ?BTC\b/ ascii wide
        $way1 = ".onion" nocase ascii wide
        $way2 = "tor browser" nocase ascii wide
        $way3 = /@(protonmail|proton|tutanota|tuta|onionmail|cock|mail2tor|airmail)\.[a-z]{2,4}/ nocase ascii wide
        $way4 = /(tox|session|jabber|telegram)( chat)?( ?id)? ?: ?@?[A-Za-z0-9]{5}/ nocase ascii wide
        $way5 = /(contact|write to) us/ nocase ascii wide
    condition:
        filesize < 50MB and any of ($lost*) and any of ($get*) and
        ((any of ($pay*) and any of ($way*)) or ($way1 and $way2) or $way3)
}

rule Ransom_Note_Threat_To_Publish
{
    meta:
        description = "A ransom note that threatens to publish stolen data."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 50
        severity = "high"
        category = "Spam, unwanted Advertisements and Ransom Demands"
        attack = "T1486,T1657"
        class = "ransomware"
    strings:
        $stolen1 = /(downloaded|stolen|exfiltrated|copied|leaked)[^\r\n]{0,60}(your|confidential|sensitive|private|company|corporate)/ nocase ascii wide
        $stolen2 = /(your|confidential|sensitive|private|company|corporate)[^\r\n]{0,60}(downloaded|stolen|exfiltrated)/ nocase ascii wide
        $publish = /(will be|be) (published|leaked|sold|posted|made public|made available)/ nocase ascii wide
        $encrypted = /(encrypted|locked)/ nocase ascii wide
        $way1 = ".onion" nocase ascii wide
        $way2 = "tor browser" nocase ascii wide
        $way3 = /@(protonmail|proton|tutanota|tuta|onionmail|cock|mail2tor)\.[a-z]{2,4}/ nocase ascii wide
        $pay = /(pay|payment|ransom|negotiat)/ nocase ascii wide
    condition:
        filesize < 50MB and any of ($stolen*) and $publish and $encrypted and $pay and any of ($way*)
}

rule Ransom_Note_Warnings
{
    meta:
        description = "The warnings of ransom notes: do not rename files, do not use other tools, or the data is lost."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 45
        severity = "high"
        category = "Spam, unwanted Advertisements and Ransom Demands"
        attack = "T1486"
        class = "ransomware"
    strings:
        $a = /(don'?t|do not|never) (try to )?(rename|modify|move|edit|delete) (the |your |any |or modify )?(encrypted|locked|crypted)/ nocase ascii wide
        $b = /(don'?t|do not|never) (try|attempt|use)[^\r\n]{0,60}(third[- ]party|recovery|other) (software|tools|programs|decrypt)/ nocase ascii wide
        $c = /(permanent|irreversible|irrevocable)(ly)? (data )?(loss|lost|damage|corrupt)/ nocase ascii wide
        $d = /(free|test) decrypt(ion)?[^\r\n]{0,60}(file|proof|guarantee)/ nocase ascii wide
        $e = /(price|cost|amount|ransom)[^\r\n]{0,40}(doubled?|increase|raised|higher)/ nocase ascii wide
        $f = /(don'?t|do not)[^\r\n]{0,20}(call|contact|inform|involve)[^\r\n]{0,20}(police|fbi|law enforcement|recovery compan)/ nocase ascii wide
        $word = "decrypt" nocase ascii wide
    condition:
        filesize < 50MB and $word and 3 of ($a, $b, $c, $d, $e, $f)
}

rule Ransom_Hidden_Service_Portal
{
    meta:
        description = "The address of a hidden service together with an identity of a victim."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 40
        severity = "high"
        category = "Spam, unwanted Advertisements and Ransom Demands"
        attack = "T1486,T1090.003"
        class = "ransomware"
    strings:
        $onion = /[a-z2-7]{56}\.onion/ ascii wide
        $id = /(personal|decryption|your|unique|client|victim|company)[ _-]?(id|key|code)( is)? ?[:=]/ nocase ascii wide
        $crypt = "crypt" nocase ascii wide
        $decrypt = "decrypt" nocase ascii wide
    condition:
        filesize < 50MB and $onion and $id and $crypt and $decrypt
}

rule Ransom_Windows_Recovery_Off
{
    meta:
        description = "Commands that destroy the shadow copies, backups and repair functions of Windows."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 45
        severity = "high"
        category = "Operating System Destruction"
        attack = "T1490"
        class = "ransomware"
    strings:
        $a = /vssadmin(\.exe)?["']? {1,3}delete {1,3}shadows/ nocase ascii wide
        $b = /shadowcopy {1,3}(where [^\r\n]{1,60} )?delete/ nocase ascii wide
        $c = /bcdedit(\.exe)? {1,3}\/set [^\r\n]{0,20}recoveryenabled {1,3}no/ nocase ascii wide
        $d = /bootstatuspolicy {1,3}ignoreallfailures/ nocase ascii wide
        $e = /wbadmin(\.exe)? {1,3}delete {1,3}(catalog|systemstatebackup|backup)/ nocase ascii wide
        $f = /win32_shadowcopy[^\r\n]{0,60}\.delete\(/ nocase ascii wide
        $g = /vssadmin(\.exe)? {1,3}resize {1,3}shadowstorage/ nocase ascii wide
    condition:
        filesize < 50MB and 2 of them
}

rule Ransom_Note_Names_In_Program
{
    meta:
        description = "A program that carries the name of a ransom note and means to encrypt."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 35
        severity = "high"
        category = "Spam, unwanted Advertisements and Ransom Demands"
        attack = "T1486"
        class = "ransomware"
    strings:
        $n1 = /(HOW|HELP|INSTRUCTIONS?)[_ -](TO|FOR)?[_ -]?(DECRYPT|RECOVER|RESTORE|UNLOCK)([_ -](YOUR|MY|ALL|THE))?([_ -](FILES?|DATA))?\.(txt|html|hta)/ nocase ascii wide
        $n2 = /(README|READ[_ -]ME|RECOVER|RESTORE|DECRYPT|UNLOCK)[_ -](TO[_ -]|FOR[_ -])?(DECRYPT|RECOVER|RESTORE|FILES?|MY[_ -]FILES?|YOUR[_ -]FILES?|INSTRUCTIONS?|INFO)\.(txt|html|hta)/ nocase ascii wide
        $n3 = /!+[_ ]?(README|READ_ME|HOW_TO|RESTORE|RECOVER)[A-Z_!-]{0,30}\.(txt|html|hta)/ nocase ascii wide
        $c1 = "encrypt" nocase ascii wide
        $c2 = "AES" fullword ascii wide
        $c3 = "ChaCha" nocase ascii wide
        $c4 = "RSA" fullword ascii wide
        $c5 = "Salsa20" nocase ascii wide
    condition:
        (uint32(0) == 0x464c457f or uint16(0) == 0x5a4d or uint16(0) == 0x2123) and filesize < 50MB and
        any of ($n*) and 2 of ($c*)
}

rule Ransom_Esxi_Machines
{
    meta:
        description = "A program or script that stops the virtual machines of a VMware ESXi host and goes for their disks."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 50
        severity = "high"
        category = "Operating System Destruction"
        attack = "T1486,T1489,T1673"
        class = "ransomware"
    strings:
        $kill1 = "esxcli vm process kill"
        $kill2 = "vm process kill --type=force"
        $kill3 = /vim-cmd vmsvc\/(power\.off|snapshot\.removeall)/
        $list = /(esxcli [^\r\n]{0,40}vm process list|vim-cmd vmsvc\/getallvms)/
        $disk1 = ".vmdk"
        $disk2 = ".vmsn"
        $disk3 = ".vswp"
        $disk4 = ".vmem"
        $crypt = "crypt" nocase
    condition:
        filesize < 50MB and any of ($kill*) and ($list or 2 of ($disk*)) and $crypt
}

rule Ransom_Script_Encrypts_Files
{
    meta:
        description = "A script that encrypts the files it finds, one by one, and removes the originals."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 45
        severity = "high"
        category = "Operating System Destruction"
        attack = "T1486,T1059.004"
        class = "ransomware"
    strings:
        $tool1 = /openssl {1,3}(enc|aes-256-cbc|rsautl|pkeyutl|smime) [^\n]{0,200}-(in|encrypt)/
        $tool2 = /gpg [^\n]{0,120}(--symmetric|-c |--encrypt|-e )/
        $tool3 = /7z[a-z]{0,1} a [^\n]{0,80}-p[^\n]{0,80}-sdel/
        $find = /(find|locate) [^\n]{0,200}-(i?name|type)/
        $loop = /(while {1,3}(IFS=[^\n]{0,10})?read|for {1,3}\w{1,20} {1,3}in|xargs|-exec )/
        $remove1 = "rm \"$"
        $remove2 = "rm -f"
        $remove3 = "rm $"
        $remove4 = "shred "
        $remove5 = "-sdel"
        $remove6 = "unlink "
        $note = /(decrypt|bitcoin|ransom|\.onion)/ nocase
        $text = /(your|the) files/ nocase
    condition:
        filesize < 1MB and uint16(0) == 0x2123 and any of ($tool*) and $find and $loop and any of ($remove*) and $note and $text
}

rule Ransom_Targets_Documents
{
    meta:
        description = "A program with a long list of document types, an encryption function and words of a ransom demand."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 35
        severity = "high"
        category = "Spam, unwanted Advertisements and Ransom Demands"
        attack = "T1486,T1083"
        class = "ransomware"
    strings:
        $e01 = ".docx" nocase ascii wide
        $e02 = ".xlsx" nocase ascii wide
        $e03 = ".pptx" nocase ascii wide
        $e04 = ".psd" nocase ascii wide
        $e05 = ".dwg" nocase ascii wide
        $e06 = ".mdb" nocase ascii wide
        $e07 = ".accdb" nocase ascii wide
        $e08 = ".sqlite" nocase ascii wide
        $e09 = ".vmdk" nocase ascii wide
        $e10 = ".pst" nocase ascii wide
        $e11 = ".kdbx" nocase ascii wide
        $e12 = ".wallet" nocase ascii wide
        $crypt1 = "CryptEncrypt" ascii wide
        $crypt2 = "BCryptEncrypt" ascii wide
        $crypt3 = "EVP_Encrypt"
        $crypt4 = "RijndaelManaged" ascii wide
        $crypt5 = "encrypt_file" nocase
        $crypt6 = "encryptFile" nocase
        $demand1 = "bitcoin" nocase ascii wide
        $demand2 = "ransom" nocase ascii wide
        $demand3 = /your (files|documents|data)/ nocase ascii wide
        $demand4 = ".onion" ascii wide
    condition:
        (uint32(0) == 0x464c457f or uint16(0) == 0x5a4d or uint16(0) == 0x2123) and filesize < 30MB and
        8 of ($e*) and any of ($crypt*) and 2 of ($demand*)
}
