// SPDX-License-Identifier: GPL-3.0-or-later

rule Doc_Macro_Starts_Program
{
    meta:
        description = "An Office macro that runs by itself when the document is opened and starts programs."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 40
        severity = "high"
        category = "Exploits"
        attack = "T1204.002,T1059.005"
        class = "trojan"
    strings:
        $vba = "Attribute VB_"
        $cfb = { 41 74 74 72 69 62 75 74 00 65 20 56 42 5F }
        $auto = /\b(auto_?open|auto_?exec|auto_?close|document_open|document_close|workbook_open|workbook_activate|document_new)\b/ nocase
        $run1 = "WScript.Shell" nocase
        $run2 = "Shell.Application" nocase
        $run3 = /\bshell ?\(/ nocase
        $run4 = "ShellExecute" nocase
        $run5 = "Win32_Process" nocase
        $run6 = "CreateProcess" nocase
    condition:
        filesize < 30MB and ($vba or $cfb) and $auto and any of ($run*)
}

rule Doc_Macro_Downloads
{
    meta:
        description = "An Office macro that runs by itself when the document is opened and fetches a file from the network."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 40
        severity = "high"
        category = "Networking"
        attack = "T1204.002,T1059.005,T1105"
        class = "trojan"
    strings:
        $vba = "Attribute VB_"
        $cfb = { 41 74 74 72 69 62 75 74 00 65 20 56 42 5F }
        $auto = /\b(auto_?open|auto_?exec|auto_?close|document_open|document_close|workbook_open|workbook_activate|document_new)\b/ nocase
        $get1 = "URLDownloadToFile" nocase
        $get2 = "MSXML2.XMLHTTP" nocase
        $get3 = "MSXML2.ServerXMLHTTP" nocase
        $get4 = "WinHttp.WinHttpRequest" nocase
        $get5 = "InternetOpenUrl" nocase
    condition:
        filesize < 30MB and ($vba or $cfb) and $auto and any of ($get*)
}

rule Doc_Macro_Machine_Code
{
    meta:
        description = "An Office macro that puts machine code into memory and calls it."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 50
        severity = "high"
        category = "Exploits"
        attack = "T1204.002,T1059.005,T1055"
        class = "exploiter"
    strings:
        $vba = "Attribute VB_"
        $cfb = { 41 74 74 72 69 62 75 74 00 65 20 56 42 5F }
        $alloc = /\b(VirtualAlloc(Ex)?|HeapCreate|NtAllocateVirtualMemory)\b/ nocase
        $copy = /\b(RtlMoveMemory|WriteProcessMemory|CopyMemory)\b/ nocase
        $run = /\b(CreateThread|CreateRemoteThread|EnumSystemLocales[AW]?|CallWindowProc[AW]?|QueueUserAPC|EnumChildWindows)\b/ nocase
    condition:
        filesize < 30MB and ($vba or $cfb) and $alloc and $copy and $run
}

rule Doc_Equation_Editor_Object
{
    meta:
        description = "A document with an object of the old equation editor, whose faults are used to run code (CVE-2017-11882, CVE-2018-0802)."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 35
        severity = "high"
        category = "Exploits"
        attack = "T1203"
        class = "exploiter"
    strings:
        $clsid = { 02 CE 02 00 00 00 00 00 C0 00 00 00 00 00 00 46 }
        $stream = { 45 00 71 00 75 00 61 00 74 00 69 00 6F 00 6E 00 20 00 4E 00 61 00 74 00 69 00 76 00 65 00 }
        $rtf_clsid = "02ce020000000000c000000000000046" nocase
        $rtf_name = "4571756174696f6e2e33" nocase
        $rtf_class = "equation.3" nocase
    condition:
        filesize < 50MB and
        ((uint32be(0) == 0xd0cf11e0 and ($clsid or $stream)) or
        (uint32be(0) == 0x7b5c7274 and any of ($rtf*)))
}

rule Doc_Rtf_Object_Updates
{
    meta:
        description = "A rich text document that loads its embedded object without being asked."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 25
        severity = "medium"
        category = "Exploits"
        attack = "T1203,T1566.001"
        class = "exploiter"
    strings:
        $update = "\\objupdate"
        $data = "\\objdata"
        $kind1 = "\\objemb"
        $kind2 = "\\objocx"
        $kind3 = "\\objautlink"
        $kind4 = "\\objlink"
        $kind5 = "\\objhtml"
    condition:
        uint32be(0) == 0x7b5c7274 and filesize < 50MB and $update and $data and any of ($kind*)
}

rule Doc_Rtf_Odd_Header
{
    meta:
        description = "A rich text document with a broken header and an embedded object: it is made to pass scanners."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 28
        severity = "medium"
        category = "Exploits"
        attack = "T1203,T1027"
        class = "exploiter"
    strings:
        $good = "{\\rtf1"
        $data = "objdata"
        $object = "\\object"
    condition:
        uint32be(0) == 0x7b5c7274 and not $good at 0 and filesize < 50MB and ($data or $object)
}

rule Doc_Rtf_Program_Inside
{
    meta:
        description = "A rich text document that carries a program or script as an object package."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 35
        severity = "high"
        category = "Exploits"
        attack = "T1204.002,T1027.009"
        class = "trojan"
    strings:
        $package = "5061636b616765" nocase
        $pe = "4d5a90000300000004000000" nocase
        $exe = /2e(657865|736372|6a73|766273|626174|707331|68746100)00/ nocase
        $data = "objdata"
    condition:
        uint32be(0) == 0x7b5c7274 and filesize < 50MB and $data and ($pe or ($package and $exe))
}

rule Doc_Pdf_Launches_Program
{
    meta:
        description = "A PDF document that starts a program."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 40
        severity = "high"
        category = "Exploits"
        attack = "T1204.002,T1059.003"
        class = "exploiter"
    strings:
        $pdf = "%PDF-"
        $launch = /\/(Launch|L#61unch|#4caunch|#4Caunch|Laun#63h)\b/
        $win = "/Win"
        $cmd1 = "cmd.exe" nocase
        $cmd2 = "powershell" nocase
        $cmd3 = "mshta" nocase
        $cmd4 = "/bin/sh"
        $cmd5 = "wscript" nocase
    condition:
        $pdf in (0..1024) and filesize < 100MB and $launch and ($win or any of ($cmd*)) and any of ($cmd*)
}

rule Doc_Pdf_Script_At_Opening
{
    meta:
        description = "A PDF document that runs unusual JavaScript when it is opened."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 30
        severity = "medium"
        category = "Exploits"
        attack = "T1203,T1059.007"
        class = "exploiter"
    strings:
        $pdf = "%PDF-"
        $open1 = "/OpenAction"
        $open2 = "/AA"
        $js1 = "/JavaScript"
        $js2 = "/JS"
        $odd1 = "eval("
        $odd2 = "unescape("
        $odd3 = "String.fromCharCode"
        $odd4 = "util.printf("
        $odd5 = "Collab.getIcon"
        $odd6 = "Collab.collectEmailInfo"
        $odd7 = "media.newPlayer"
        $odd8 = "exportDataObject"
        $odd9 = "SharedArrayBuffer"
    condition:
        $pdf in (0..1024) and filesize < 100MB and any of ($open*) and any of ($js*) and 2 of ($odd*)
}

rule Doc_Pdf_Program_Attached
{
    meta:
        description = "A PDF document with a program, script or macro document attached."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 30
        severity = "medium"
        category = "Exploits"
        attack = "T1204.002,T1027.009"
        class = "trojan"
    strings:
        $pdf = "%PDF-"
        $embed = "/EmbeddedFile"
        $name = /\/U?F ?\([^\)\r\n]{1,120}\.(exe|scr|com|js|jse|vbs|vbe|wsf|lnk|hta|bat|cmd|ps1|jar|docm|xlsm|iso|img|one|msi)\)/ nocase
    condition:
        $pdf in (0..1024) and filesize < 100MB and $embed and $name
}

rule Doc_Template_From_Network
{
    meta:
        description = "An Office document whose template, frame or object is fetched from the network when it is opened."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 35
        severity = "high"
        category = "Exploits"
        attack = "T1221"
        class = "exploiter"
    strings:
        $kind = /relationships\/(attachedTemplate|frame|subDocument|oleObject)"/
        $a = /Target="(https?|mhtml|ftp|file|\\\\):?[^"\r\n]{4,400}"[^>\r\n]{0,200}TargetMode="External"/ nocase
        $b = /TargetMode="External"[^>\r\n]{0,200}Target="(https?|mhtml|ftp|file|\\\\):?[^"\r\n]{4,400}"/ nocase
        $rtf = /\{\\\*\\template {1,3}https?:\/\//
    condition:
        filesize < 5MB and (($kind and ($a or $b)) or (uint32be(0) == 0x7b5c7274 and $rtf))
}

rule Doc_Dynamic_Data_Exchange
{
    meta:
        description = "A document with a field that starts a program by dynamic data exchange (DDE)."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 40
        severity = "high"
        category = "Exploits"
        attack = "T1559.002"
        class = "exploiter"
    strings:
        $a = /DDE(AUTO)?["'&quot; ]{1,8}[^\r\n<]{0,40}(cmd|powershell|mshta|regsvr32|rundll32|\\\\system32\\\\)/ nocase
        $b = /[=+@-]\s?(cmd|powershell|mshta|rundll32)\s?\|\s?['"][^'"\r\n]{0,200}['"]\s?![A-Z]{1,2}\d/ nocase
    condition:
        filesize < 5MB and any of them
}

rule Doc_Link_To_Diagnostic_Tool
{
    meta:
        description = "A document or page that starts the diagnostic tool of Windows with commands inside (CVE-2022-30190)."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 50
        severity = "high"
        category = "Exploits"
        attack = "T1203,T1218"
        class = "exploiter"
    strings:
        $proto = "ms-msdt:" nocase ascii wide
        $id = /PCWDiagnostic/ nocase ascii wide
        $param = "IT_BrowseForFile" nocase ascii wide
        $param2 = "IT_RebrowseForFile" nocase ascii wide
    condition:
        filesize < 5MB and uint16(0) != 0x5a4d and $proto and ($id or any of ($param*))
}

rule Doc_Shortcut_Starts_Interpreter
{
    meta:
        description = "A Windows shortcut that starts a command interpreter or script host instead of a document or program."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 28
        severity = "medium"
        category = "HIPS / PFW / Operating System Protection Evasion"
        attack = "T1204.002,T1059"
        class = "trojan"
    strings:
        $a = "powershell" nocase ascii wide
        $b = "mshta" nocase ascii wide
        $c = /cmd(\.exe)?["']? {0,4}\/[ckvqr]/ nocase ascii wide
        $d = "wscript" nocase ascii wide
        $e = "cscript" nocase ascii wide
        $f = "regsvr32" nocase ascii wide
        $g = "certutil" nocase ascii wide
        $h = "bitsadmin" nocase ascii wide
        $i = "conhost" nocase ascii wide
        $net = /https?:\/\// nocase ascii wide
        $arg = /(-e(nc|c)? |-w(in[a-z]*)? hid|frombase64|start |copy |\.hta|\.vbs|\.js\b|%temp%|%appdata%)/ nocase ascii wide
    condition:
        uint32(0) == 0x4c and uint32be(4) == 0x01140200 and filesize < 20MB and
        any of ($a, $b, $c, $d, $e, $f, $g, $h, $i) and ($net or $arg)
}

rule Doc_Shortcut_Hidden_Arguments
{
    meta:
        description = "A Windows shortcut that hides its command behind a long run of spaces or line feeds."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 30
        severity = "medium"
        category = "Hooking and other Techniques for Hiding and Protection"
        attack = "T1027,T1564"
        class = "evader"
    strings:
        $spaces = { 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 }
        $feeds = { 0A 00 0D 00 0A 00 0D 00 0A 00 0D 00 0A 00 0D 00 0A 00 0D 00 0A 00 0D 00 0A 00 0D 00 0A 00 0D 00 }
    condition:
        uint32(0) == 0x4c and uint32be(4) == 0x01140200 and filesize < 20MB and any of them
}

rule Doc_Onenote_Program_Inside
{
    meta:
        description = "A OneNote document with a program or script embedded behind its pictures."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 45
        severity = "high"
        category = "Exploits"
        attack = "T1204.002,T1027.009,T1566.001"
        class = "trojan"
    strings:
        $pe = { E7 16 E3 BD 65 26 11 45 A4 C4 8D 4D 0B 7A 9E AC [20] 4D 5A }
        $script = { E7 16 E3 BD 65 26 11 45 A4 C4 8D 4D 0B 7A 9E AC [20] 3C ( 73 63 72 69 70 74 | 53 43 52 49 50 54 | 68 74 61 | 48 54 41 | 6A 6F 62 ) }
        $batch = { E7 16 E3 BD 65 26 11 45 A4 C4 8D 4D 0B 7A 9E AC [20] 40 ( 65 63 68 6F | 45 43 48 4F ) }
        $lnk = { E7 16 E3 BD 65 26 11 45 A4 C4 8D 4D 0B 7A 9E AC [20] 4C 00 00 00 01 14 02 00 }
        $data = { E7 16 E3 BD 65 26 11 45 A4 C4 8D 4D 0B 7A 9E AC }
        $word1 = "WScript.Shell" nocase
        $word2 = "powershell" nocase
        $word3 = "ActiveXObject" nocase
        $word4 = "CreateObject(" nocase
    condition:
        uint32be(0) == 0xe4525c7b and uint32be(4) == 0x8cd8a74d and filesize < 100MB and
        ($pe or $script or $batch or $lnk or ($data and any of ($word*)))
}

rule Doc_Spreadsheet_Calls_System
{
    meta:
        description = "A spreadsheet with old-style macro formulas that fetch a file or call functions of the system."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 40
        severity = "high"
        category = "Exploits"
        attack = "T1204.002,T1059.005"
        class = "trojan"
    strings:
        $a = "URLDownloadToFile" nocase
        $b = "urlmon" nocase
        $c = "JJCCJJ" nocase
        $d = "JJCCBB" nocase
        $e = /\b(CALL|REGISTER|EXEC) ?\( ?"(urlmon|kernel32|shell32|cmd|mshta|powershell|rundll32|regsvr32)/ nocase
        $xml = "macrosheet" nocase
        $xml2 = "<xm:macrosheet" nocase
    condition:
        filesize < 30MB and ($e or (($c or $d) and ($a or $b)) or (any of ($xml*) and $a))
}

rule Doc_Html_Smuggling
{
    meta:
        description = "A web page that builds a program or archive out of its own text and offers it as a download."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 40
        severity = "high"
        category = "Phishing"
        attack = "T1027.006,T1566.002"
        class = "phishing"
    strings:
        $blob = "new Blob(" nocase
        $blob2 = "new File(" nocase
        $atob = "atob(" nocase
        $bytes = "Uint8Array"
        $save1 = "msSaveOrOpenBlob"
        $save2 = "createObjectURL"
        $name = ".download" nocase
        $click = ".click(" nocase
        $pe = /["'`]TVqQAAMAAAA/
        $zip = /["'`]UEsDB(BQ|AoA)[A-Za-z0-9+\/]{200}/
    condition:
        filesize < 50MB and any of ($blob*) and ($atob or $bytes) and any of ($save*) and ($name or $save1) and
        ($pe or ($zip and ($click or $save1)))
}

rule Doc_Svg_Script
{
    meta:
        description = "A vector picture that runs script and sends its reader to another address."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 25
        severity = "medium"
        category = "Phishing"
        attack = "T1566.001,T1027.017"
        class = "phishing"
    strings:
        $svg = "<svg" nocase
        $script = /<script[ >]/ nocase
        $go1 = "window.location" nocase
        $go2 = "document.location" nocase
        $go3 = "location.href" nocase
        $go4 = "window.open(" nocase
        $go5 = "location.replace(" nocase
        $hide1 = "atob(" nocase
        $hide2 = "fromCharCode"
        $hide3 = "eval("
        $html = "<html" nocase
    condition:
        filesize < 5MB and $svg in (0..4096) and $script and any of ($go*) and any of ($hide*) and not $html in (0..512)
}

rule Doc_Login_Form_To_Bot
{
    meta:
        description = "A page with a password field whose content goes to a chat bot: a false login page."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 50
        severity = "high"
        category = "Phishing"
        attack = "T1566.002,T1056.003"
        class = "phishing"
    strings:
        $form = /type ?= ?["']?password/ nocase
        $bot1 = /api\.telegram\.org\/bot/ nocase
        $bot2 = /discord(app)?\.com\/api\/webhooks\// nocase
        $send = /(fetch|XMLHttpRequest|\.ajax|\.post|sendMessage|axios)/
    condition:
        filesize < 5MB and $form and any of ($bot*) and $send
}
