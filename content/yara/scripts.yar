// SPDX-License-Identifier: GPL-3.0-or-later

rule Script_Shell_Decoded_Exec
{
    meta:
        description = "A shell script that decodes hidden text and hands it to a shell."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 30
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1140,T1059.004,T1027.010"
        class = "trojan"
    strings:
        $a = /base64 {1,3}(-d|-D|--decode|-di|-id)[^\n|]{0,40}\| {0,3}(sudo )?(\/usr)?(\/bin\/)?(ba|da|z|k|a)?sh\b/
        $b = /openssl {1,3}(enc|base64) [^\n|]{0,80}-d[^\n|]{0,80}\| {0,3}(\/bin\/)?(ba|da|z|k|a)?sh\b/
        $c = /eval {0,2}["']?\$\((echo|printf) [^\n|]{1,400}\| {0,3}base64 {1,3}(-d|-D|--decode)/
        $d = /xxd {1,3}-r[^\n|]{0,20}\| {0,3}(\/bin\/)?(ba|da|z|k|a)?sh\b/
        $e = /gunzip[^\n|]{0,20}\| {0,3}(\/bin\/)?(ba|da|z|k|a)?sh\b/
    condition:
        filesize < 5MB and any of them
}

rule Script_Shell_Escaped_Bytes
{
    meta:
        description = "A shell script that writes a program byte by byte with escape sequences."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 22
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1027.013,T1059.004"
        class = "trojan"
    strings:
        $a = /(echo -n?en?|printf) {1,3}["'](\\\\?x[0-9a-fA-F]{2}){16}/
        $b = /(echo -n?en?|printf) {1,3}["'](\\\\?[0-3][0-7]{2}){20}/
    condition:
        filesize < 5MB and uint16(0) != 0x5a4d and uint32(0) != 0x464c457f and #a + #b >= 3
}

rule Script_Shell_Spliced_Variables
{
    meta:
        description = "A shell script that builds its commands letter by letter out of variables."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 28
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1027.010,T1059.004"
        class = "evader"
    strings:
        $slice = /:\d{1,4}:1\}\$\{/
        $slice2 = /:\d{1,4}:1\}"?"?\$\{/
        $eval = "eval"
    condition:
        filesize < 5MB and uint16(0) != 0x5a4d and (#slice >= 12 or (#slice2 >= 6 and $eval))
}

rule Script_Shell_Reversed_Exec
{
    meta:
        description = "A shell script that keeps its commands backwards and turns them round to run them."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 28
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1027.010,T1140"
        class = "evader"
    strings:
        $a = /\| {0,3}rev {0,3}\| {0,3}(\/bin\/)?(ba|da|z|k|a)?sh\b/
        $b = /\| {0,3}tr {1,3}["']?[!-~]{10,120}["']? {1,3}["']?[!-~]{10,120}["']? {0,3}\| {0,3}(\/bin\/)?(ba|da|z|k|a)?sh\b/
        $c = /eval {0,2}["']?\$\([^\n|]{1,300}\| {0,3}rev {0,3}\)/
    condition:
        filesize < 5MB and any of them
}

rule Script_Shell_Appended_Program
{
    meta:
        description = "A shell script with a binary program behind its text, which it cuts out and runs."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 20
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1027.009,T1059.004"
        class = "trojan"
    strings:
        $cut1 = /tail {1,3}(-n ?|-c ?|-)\+?[\d$][^\n]{0,20}["' ]\$\{?(0|BASH_SOURCE)/
        $cut2 = /sed {1,3}["']?1,[^\n]{1,20}d["']? {1,3}["']?\$0/
        $cut3 = /dd {1,3}if="?\$0"? [^\n]{0,20}skip=/
        $run = /chmod {1,3}(\+x|[0-7]{0,1}7[0-7]{2}|a\+x|u\+x)/
        $elf = "\x7fELF"
    condition:
        uint16(0) == 0x2123 and any of ($cut*) and $run and $elf
}

rule Script_Powershell_Encoded
{
    meta:
        description = "Starts PowerShell with commands encoded in base64."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 28
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1059.001,T1027.010"
        class = "trojan"
    strings:
        $a = /powershell(\.exe)?["']? [^\r\n]{0,120}[-\/]e(nc?|nco(dedcommand)?|c)? {1,3}["']?[A-Za-z0-9+\/]{60}/ nocase
        $b = /pwsh(\.exe)? [^\r\n]{0,120}[-\/]e(nc?|nco(dedcommand)?|c)? {1,3}["']?[A-Za-z0-9+\/]{60}/ nocase
        $w = /powershell(\.exe)?["']? [^\r\n]{0,120}[-\/]e(nc?|nco(dedcommand)?|c)? {1,3}["']?[A-Za-z0-9+\/]{60}/ nocase wide
    condition:
        filesize < 20MB and any of them
}

rule Script_Powershell_Download_Run
{
    meta:
        description = "A PowerShell script that fetches text from the network and runs it at once, without a file."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 35
        severity = "high"
        category = "Networking"
        attack = "T1059.001,T1105"
        class = "trojan"
    strings:
        $run1 = /iex[ \t]{0,3}[\("$&]/ nocase
        $run2 = "invoke-expression" nocase
        $run3 = /\| ?iex\b/ nocase
        $get1 = ".downloadstring(" nocase
        $get2 = /\(\s?(iwr|irm|curl|invoke-webrequest|invoke-restmethod) [^\r\n\)]{0,40}https?:\/\// nocase
        $get3 = /(iwr|irm|invoke-webrequest|invoke-restmethod) [^\r\n\|]{0,100}\| ?iex\b/ nocase
        $client = /new-object[ \t]{1,3}["']?(system\.)?net\.webclient/ nocase
    condition:
        filesize < 1MB and any of ($run*) and ($get2 or $get3 or ($get1 and $client))
}

rule Script_Powershell_Memory_Loader
{
    meta:
        description = "A PowerShell script that loads a program into memory: a .NET assembly or machine code, with no file."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 35
        severity = "high"
        category = "HIPS / PFW / Operating System Protection Evasion"
        attack = "T1620,T1059.001"
        class = "trojan"
    strings:
        $load = /\[(system\.)?reflection\.assembly\]::load\(/ nocase
        $load2 = "[AppDomain]::CurrentDomain.Load(" nocase
        $b64 = "frombase64string" nocase
        $gz = "io.compression.gzipstream" nocase
        $delegate = "getdelegateforfunctionpointer" nocase
        $alloc = "virtualalloc" nocase
        $copy = "runtime.interopservices.marshal]::copy" nocase
    condition:
        filesize < 10MB and uint16(0) != 0x5a4d and
        ((any of ($load*) and ($b64 or $gz)) or ($delegate and $alloc and ($copy or $b64)))
}

rule Script_Powershell_Amsi_Bypass
{
    meta:
        description = "A script that switches off the malware scanner interface of Windows (AMSI) for itself."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 45
        severity = "high"
        category = "Lowering of HIPS / PFW / Operating System Security Settings"
        attack = "T1685,T1059.001"
        class = "evader"
    strings:
        $a = "amsiInitFailed" nocase
        $b = "System.Management.Automation.Amsi" nocase
        $set = ".setvalue($null" nocase
        $c = "AmsiScanBuffer" nocase
        $d = "virtualprotect" nocase
        $e = "getprocaddress" nocase
        $f = "frombase64string" nocase
        $text = "[ref].assembly.gettype" nocase
    condition:
        filesize < 5MB and uint16(0) != 0x5a4d and (($a and ($b or $set or $text)) or ($c and $d and ($e or $f)))
}

rule Script_Powershell_Built_From_Characters
{
    meta:
        description = "A PowerShell script that puts its commands together from character codes or broken words."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 22
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1027.010,T1059.001"
        class = "evader"
    strings:
        $char = /\[char\] ?\(?(0x[0-9a-f]{2}|\d{2,3})\)? ?\+ ?\[char\]/ nocase
        $join = /-join ?\(? ?\(? ?(\d{2,3} ?, ?){12}/ nocase
        $format = /\(?["'](\{\d{1,2}\}){6,40}["'] ?-f ?['"]/ nocase
        $tick = /(i`e`?x|in`?v`?o`?k`?e`?-`?e`x|d`o`w`?n`?l`o)/ nocase
    condition:
        filesize < 5MB and uint16(0) != 0x5a4d and uint32(0) != 0x464c457f and
        (#char >= 8 or $join or #format >= 3 or $tick)
}

rule Script_Powershell_Hidden_Window
{
    meta:
        description = "Starts PowerShell without a window, without a profile and with its protection against scripts switched off."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 15
        severity = "medium"
        category = "HIPS / PFW / Operating System Protection Evasion"
        attack = "T1564.003,T1059.001"
        class = "trojan"
    strings:
        $ps = "powershell" nocase ascii wide
        $hidden = /-w(in(dowstyle)?)? {1,3}(hidden|1\b)/ nocase ascii wide
        $bypass = /-(ep|ex(ec(utionpolicy)?)?) {1,3}bypass/ nocase ascii wide
        $nop = /-nop(rofile)?\b/ nocase ascii wide
    condition:
        filesize < 2MB and $ps and $hidden and $bypass and $nop
}

rule Script_Js_Obfuscator
{
    meta:
        description = "JavaScript made unreadable by a tool that hides all texts in a rotated table."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 12
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1027.013,T1059.007"
        class = "evader"
    strings:
        $name = /\b_0x[0-9a-f]{4,6}\(0x[0-9a-f]{1,4}/
        $shift = /\['push'\]\(_0x[0-9a-f]{4,6}\['shift'\]\(\)\)/
        $shift2 = /\.push\(_0x[0-9a-f]{4,6}\.shift\(\)\)/
    condition:
        filesize < 5MB and #name >= 10 and any of ($shift*)
}

rule Script_Js_Windows_Dropper
{
    meta:
        description = "A script for the Windows Script Host that fetches a file, stores it and starts it."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 45
        severity = "high"
        category = "Networking"
        attack = "T1059.007,T1105,T1204.002"
        class = "trojan"
    strings:
        $shell = "WScript.Shell" nocase
        $shell2 = "Shell.Application" nocase
        $http1 = "MSXML2.XMLHTTP" nocase
        $http2 = "MSXML2.ServerXMLHTTP" nocase
        $http3 = "WinHttp.WinHttpRequest" nocase
        $stream = "ADODB.Stream" nocase
        $save = ".SaveToFile" nocase
        $run1 = ".run(" nocase
        $run2 = ".exec(" nocase
        $run3 = ".ShellExecute" nocase
        $js = "ActiveXObject" nocase
    condition:
        filesize < 2MB and $js and any of ($shell*) and any of ($http*) and $stream and $save and any of ($run*)
}

rule Script_Vbs_Downloader
{
    meta:
        description = "A Visual Basic script that fetches a file, stores it and starts it."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 45
        severity = "high"
        category = "Networking"
        attack = "T1059.005,T1105,T1204.002"
        class = "trojan"
    strings:
        $create = "CreateObject(" nocase
        $shell = "WScript.Shell" nocase
        $shell2 = "Shell.Application" nocase
        $http1 = "MSXML2.XMLHTTP" nocase
        $http2 = "MSXML2.ServerXMLHTTP" nocase
        $http3 = "WinHttp.WinHttpRequest" nocase
        $http4 = "Microsoft.XMLHTTP" nocase
        $stream = "ADODB.Stream" nocase
        $save = ".SaveToFile" nocase
        $run = /\.(run|exec|shellexecute)[ \("]/ nocase
        $js = "ActiveXObject" nocase
    condition:
        filesize < 2MB and uint16(0) != 0x5a4d and $create and not $js and any of ($shell*) and any of ($http*) and $stream and
        $save and $run
}

rule Script_Vbs_Character_Chain
{
    meta:
        description = "A Visual Basic script that builds its commands from character codes and executes them."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 25
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1027.010,T1059.005"
        class = "evader"
    strings:
        $chain = /chrw?\( ?(&h)?[0-9a-f]{2,4} ?\) ?& ?chrw?\( ?(&h)?[0-9a-f]{2,4} ?\) ?& ?chrw?\(/ nocase
        $exec = /(execute|executeglobal|eval) ?\(?[ a-z"]/ nocase
    condition:
        filesize < 5MB and uint16(0) != 0x5a4d and #chain >= 4 and $exec
}

rule Script_Js_Eval_Charcodes
{
    meta:
        description = "JavaScript that runs text made of character codes or of escaped text."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 22
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1027.010,T1059.007"
        class = "evader"
    strings:
        $a = /(eval|Function) ?\( ?String\.fromCharCode\( ?(\d{1,3} ?, ?){16}/
        $b = /eval ?\( ?unescape ?\( ?["'](%u?[0-9a-fA-F]{2,4}){12}/
        $c = /eval ?\( ?(window\.)?atob ?\( ?["'][A-Za-z0-9+\/]{40}/
        $d = /document\.write ?\( ?unescape ?\( ?["'](%u?[0-9a-fA-F]{2,4}){12}/
    condition:
        filesize < 5MB and any of them
}

rule Script_Python_Exec_Decoded
{
    meta:
        description = "A Python script that decodes hidden code and runs it."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 30
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1140,T1059.006,T1027.013"
        class = "trojan"
    strings:
        $a = /\b(exec|eval) ?\( ?(compile ?\( ?)?((zlib|gzip|bz2|lzma)\.decompress ?\( ?)?base64\.(b64|b32|b16|b85|a85|urlsafe_b64)decode ?\(/
        $b = /\b(exec|eval) ?\( ?(compile ?\( ?)?__import__ ?\( ?["'](base64|zlib|marshal|codecs|gzip|lzma|bz2)["']/
        $c = /\bexec ?\( ?marshal\.loads ?\( ?((zlib|gzip|bz2|lzma)\.decompress|base64\.)/
        $d = /\bexec ?\( ?bytes\.fromhex ?\( ?["'][0-9a-fA-F]{40}/
        $e = /lambda __ ?: ?__import__ ?\( ?["']zlib["']/
        $f = /\bexec ?\( ?codecs\.decode ?\( ?["'][^\n]{20,300}["'] ?, ?["'](rot_?13|base64|hex)/
    condition:
        filesize < 10MB and any of them
}

rule Script_Python_Fetch_Exec
{
    meta:
        description = "A Python script that fetches code from the network and runs it."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 38
        severity = "high"
        category = "Networking"
        attack = "T1059.006,T1105"
        class = "trojan"
    strings:
        $a = /\b(exec|eval) ?\( ?(compile ?\( ?)?(urllib\.request\.|urllib2?\.)?urlopen ?\(/
        $b = /\b(exec|eval) ?\( ?(compile ?\( ?)?requests\.(get|post) ?\(/
        $c = /os\.system ?\( ?(requests\.get|urlopen|urllib\.request\.urlopen) ?\(/
    condition:
        filesize < 5MB and any of them
}

rule Script_Php_Eval_Decoded
{
    meta:
        description = "A PHP script that decodes or unpacks hidden code and runs it."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 38
        severity = "high"
        category = "Data Obfuscation"
        attack = "T1140,T1505.003,T1027.013"
        class = "trojan"
    strings:
        $php = "<?php" nocase
        $php2 = "<?="
        $a = /\b(eval|assert|create_function) ?\( ?@?["'?> .]{0,12}@?(gzinflate|gzuncompress|gzdecode|str_rot13|base64_decode|strrev|convert_uudecode|hex2bin) ?\(/ nocase
        $b = /\beval ?\( ?\$\w{1,20} ?\( ?\$\w{1,20} ?\( ?["'][A-Za-z0-9+\/=]{60}/ nocase
        $c = /preg_replace ?\( ?["'][\/#|~]\.?\*?[\/#|~]e["'] ?, ?["'\$\\]/ nocase
    condition:
        filesize < 5MB and any of ($php*) and any of ($a, $b, $c)
}

rule Script_Php_Hidden_Names
{
    meta:
        description = "A PHP script that hides the names of what it calls in escape codes."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 28
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1027.010"
        class = "evader"
    strings:
        $php = "<?php" nocase
        $globals = /\$\{ ?"(\\x[0-9a-fA-F]{2}|G|L|O|B|A|S){7}"\}/
        $escaped = /\$\{?"?(\\x[0-9a-fA-F]{2}){4}/
        $goto = /goto [A-Za-z0-9_]{5,8}; [A-Za-z0-9_]{5,8}:/
    condition:
        filesize < 5MB and $php and ((#globals >= 2 and $escaped) or #goto >= 10)
}

rule Script_Perl_Eval_Packed
{
    meta:
        description = "A Perl script that unpacks hidden code and runs it."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 30
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1140,T1059"
        class = "trojan"
    strings:
        $a = /\beval[ \(]{0,2}unpack ?\(? ?["']?u["']? ?(=>|,)/
        $b = /\beval[ \(]{0,2}pack ?\(? ?["'][Hh]\*["'] ?, ?["'][0-9a-fA-F]{20}/
        $c = /\beval[ \(]{1,3}(MIME::Base64::)?decode_base64 ?\(? ?["'][A-Za-z0-9+\/]{20}/
    condition:
        filesize < 5MB and any of them
}

rule Script_Batch_Spliced_Variables
{
    meta:
        description = "A Windows batch file that builds its commands letter by letter out of variables."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 28
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1027.010,T1059.003"
        class = "evader"
    strings:
        $slice = /:~-?\d{1,3},1%%[A-Za-z0-9_]{1,20}:~/
        $caret = /\b(p\^o\^w\^e|c\^m\^d|s\^e\^t|c\^a\^l\^l|m\^s\^h)/ nocase
    condition:
        filesize < 5MB and uint16(0) != 0x5a4d and uint32(0) != 0x464c457f and (#slice >= 10 or $caret)
}

rule Script_Html_Application_Shell
{
    meta:
        description = "An HTML application or scriptlet that starts programs."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 30
        severity = "medium"
        category = "HIPS / PFW / Operating System Protection Evasion"
        attack = "T1218.005,T1059.005"
        class = "trojan"
    strings:
        $hta = "<hta:application" nocase
        $sct = "<scriptlet" nocase
        $script = "<script" nocase
        $shell = "WScript.Shell" nocase
        $shell2 = "Shell.Application" nocase
        $run = /\.(run|exec|shellexecute)[ \("]/ nocase
    condition:
        filesize < 5MB and ($hta or $sct) and $script and any of ($shell*) and $run
}
