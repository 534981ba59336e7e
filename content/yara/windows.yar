// SPDX-License-Identifier: GPL-3.0-or-later
import "pe"

rule Windows_Injects_Thread
{
    meta:
        description = "A Windows program that writes into another process and starts a thread there."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 28
        severity = "medium"
        category = "HIPS / PFW / Operating System Protection Evasion"
        attack = "T1055"
        class = "trojan"
    condition:
        pe.is_pe and pe.imports("kernel32.dll", "OpenProcess") and pe.imports("kernel32.dll", "VirtualAllocEx") and
        pe.imports("kernel32.dll", "WriteProcessMemory") and
        (pe.imports("kernel32.dll", "CreateRemoteThread") or pe.imports("kernel32.dll", "CreateRemoteThreadEx") or
        pe.imports("ntdll.dll", "NtCreateThreadEx") or pe.imports("ntdll.dll", "RtlCreateUserThread"))
}

rule Windows_Hollows_Process
{
    meta:
        description = "A Windows program with the calls that start a process, empty it and put other code in its place."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 38
        severity = "high"
        category = "HIPS / PFW / Operating System Protection Evasion"
        attack = "T1055.012"
        class = "trojan"
    strings:
        $unmap1 = "NtUnmapViewOfSection" ascii wide
        $unmap2 = "ZwUnmapViewOfSection" ascii wide
        $write1 = "WriteProcessMemory" ascii wide
        $write2 = "NtWriteVirtualMemory" ascii wide
        $ctx1 = "SetThreadContext" ascii wide
        $ctx2 = "NtSetContextThread" ascii wide
        $run1 = "ResumeThread" ascii wide
        $run2 = "NtResumeThread" ascii wide
        $make = /CreateProcess(Internal)?[AW]?\b/ ascii wide
    condition:
        uint16(0) == 0x5a4d and filesize < 20MB and not (pe.is_pe and pe.exports("NtUnmapViewOfSection")) and
        any of ($unmap*) and any of ($write*) and
        any of ($ctx*) and any of ($run*) and $make
}

rule Windows_Queues_Foreign_Call
{
    meta:
        description = "A Windows program that queues its code as a call in the thread of another process."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 25
        severity = "medium"
        category = "HIPS / PFW / Operating System Protection Evasion"
        attack = "T1055.004"
        class = "trojan"
    condition:
        pe.is_pe and pe.imports("kernel32.dll", "QueueUserAPC") and pe.imports("kernel32.dll", "WriteProcessMemory") and
        pe.imports("kernel32.dll", "VirtualAllocEx")
}

rule Windows_Looks_For_Analysis_Tools
{
    meta:
        description = "A program with the names of several debuggers and analysis tools, which it looks for."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 25
        severity = "medium"
        category = "Anti Debugging"
        attack = "T1622,T1057"
        class = "evader"
    strings:
        $a = "ollydbg" nocase ascii wide
        $b = "x64dbg" nocase ascii wide
        $c = "x32dbg" nocase ascii wide
        $d = /\bida(q|q64|64)\.exe/ nocase ascii wide
        $e = "wireshark.exe" nocase ascii wide
        $f = "procmon" nocase ascii wide
        $g = "processhacker" nocase ascii wide
        $h = "dumpcap" nocase ascii wide
        $i = "fiddler" nocase ascii wide
        $j = "immunitydebugger" nocase ascii wide
        $k = "pestudio" nocase ascii wide
        $l = "autoruns" nocase ascii wide
        $m = "tcpview" nocase ascii wide
    condition:
        uint16(0) == 0x5a4d and filesize < 30MB and 5 of them
}

rule Windows_Looks_For_Virtual_Machine
{
    meta:
        description = "A program with the marks of several virtual machines and sandboxes, which it looks for."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 25
        severity = "medium"
        category = "Malware Analysis System Evasion"
        attack = "T1497.001"
        class = "evader"
    strings:
        $a1 = "VBoxGuest" nocase ascii wide
        $a2 = "VBoxService" nocase ascii wide
        $a3 = "VBoxTray" nocase ascii wide
        $b1 = "vmtoolsd" nocase ascii wide
        $b2 = "vmwaretray" nocase ascii wide
        $b3 = "VMware, Inc" ascii wide
        $c1 = "SbieDll.dll" nocase ascii wide
        $d1 = "qemu-ga" nocase ascii wide
        $d2 = "QEMU HARDDISK" ascii wide
        $e1 = "prl_tools" nocase ascii wide
        $f1 = "cuckoomon" nocase ascii wide
        $f2 = "joeboxserver" nocase ascii wide
        $g1 = "wine_get_unix_file_name" ascii wide
        $h1 = "api_log.dll" nocase ascii wide
        $i1 = "xenservice" nocase ascii wide
    condition:
        uint16(0) == 0x5a4d and filesize < 30MB and
        4 of ($a1, $b1, $b3, $c1, $d1, $d2, $e1, $f1, $f2, $g1, $h1, $i1, $a2, $a3, $b2) and
        (any of ($c1, $f1, $f2, $g1, $h1) or (any of ($a*) and any of ($b*) and any of ($d*, $e1, $i1)))
}

rule Windows_Defender_Off
{
    meta:
        description = "Switches off or blinds Microsoft Defender."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 42
        severity = "high"
        category = "Lowering of HIPS / PFW / Operating System Security Settings"
        attack = "T1685"
        class = "evader"
    strings:
        $a = /Set-MpPreference [^\r\n]{0,100}-Disable(RealtimeMonitoring|BehaviorMonitoring|IOAVProtection|ScriptScanning|BlockAtFirstSeen) / nocase ascii wide
        $b = /Add-MpPreference [^\r\n]{0,60}-Exclusion(Path|Process|Extension) / nocase ascii wide
        $c = "DisableAntiSpyware" nocase ascii wide
        $d = "DisableRealtimeMonitoring" nocase ascii wide
        $e = "Policies\\Microsoft\\Windows Defender" nocase ascii wide
        $f = /sc(\.exe)? {1,3}(stop|delete|config) {1,3}WinDefend/ nocase ascii wide
        $g = /MpCmdRun(\.exe)?["']? {1,3}-RemoveDefinitions/ nocase ascii wide
    condition:
        filesize < 20MB and (($a and filesize < 1MB) or ($b and filesize < 1MB and ($a or $d or $f or uint16(0) == 0x5a4d)) or $f or $g or
        (uint16(0) == 0x5a4d and ($c or $d) and $e))
}

rule Windows_Small_Downloader
{
    meta:
        description = "A small Windows program that does little else than fetch a file and start it."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 28
        severity = "medium"
        category = "Networking"
        attack = "T1105"
        class = "trojan"
    condition:
        pe.is_pe and filesize < 200KB and pe.number_of_imported_functions < 60 and
        (pe.imports("urlmon.dll", "URLDownloadToFileA") or pe.imports("urlmon.dll", "URLDownloadToFileW")) and
        (pe.imports("kernel32.dll", "WinExec") or pe.imports("shell32.dll", "ShellExecuteA") or
        pe.imports("shell32.dll", "ShellExecuteW") or pe.imports("kernel32.dll", "CreateProcessA") or
        pe.imports("kernel32.dll", "CreateProcessW"))
}

rule Windows_Dotnet_Loader
{
    meta:
        description = "A .NET program that decodes another program and loads it into memory."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 25
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1620,T1140"
        class = "trojan"
    strings:
        $load = "AppDomain"
        $asm = "Assembly"
        $entry = "get_EntryPoint"
        $invoke = "Invoke"
        $b64 = "FromBase64String"
        $gz = "GZipStream"
        $aes1 = "RijndaelManaged"
        $aes2 = "CreateDecryptor"
        $res = "GetManifestResourceStream"
        $raw = "System.Reflection"
    condition:
        pe.is_pe and pe.imports("mscoree.dll") and filesize < 10MB and $asm and $entry and $invoke and $raw and
        2 of ($load, $b64, $gz, $aes1, $aes2, $res) and any of ($b64, $gz, $aes1, $aes2)
}

rule Windows_Reflective_Loader
{
    meta:
        description = "A Windows library that loads itself from memory, made to be injected into other programs."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 50
        severity = "high"
        category = "HIPS / PFW / Operating System Protection Evasion"
        attack = "T1620,T1055.001"
        class = "trojan"
    condition:
        pe.is_pe and (pe.exports("ReflectiveLoader") or pe.exports("_ReflectiveLoader@4") or
        pe.exports("?ReflectiveLoader@@YAKPAX@Z") or pe.exports("?ReflectiveLoader@@YA_KPEAX@Z"))
}

rule Windows_Shellcode_Start
{
    meta:
        description = "Machine code for Windows that finds the functions of the system by walking through the loaded libraries."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 48
        severity = "high"
        category = "Exploits"
        attack = "T1027.007,T1620"
        class = "exploiter"
    strings:
        // cld; call over the resolver; pushad; mov ebp, esp; xor ...; mov ..., fs:[...+0x30]
        $x86 = { FC E8 ( 8? | 89 ) 00 00 00 60 89 E5 31 ( C0 | D2 ) 64 8B ( 50 | 52 ) 30 8B 52 0C 8B 52 14 }
        // cld; and rsp, -16; call over the resolver; push r9; push r8; push rdx; push rcx; push rsi
        $x64 = { FC 48 83 E4 F0 E8 ( C? | CC ) 00 00 00 41 51 41 50 52 51 56 48 31 D2 65 48 8B 52 60 }
    condition:
        filesize < 100MB and any of them
}

rule Windows_Autostart_Copy
{
    meta:
        description = "A Windows program that copies itself and enters itself among those that start with the system."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 12
        severity = "medium"
        category = "Boot Survival"
        attack = "T1547.001"
        class = "trojan"
    strings:
        $key = "Software\\Microsoft\\Windows\\CurrentVersion\\Run" nocase ascii wide
        $place1 = "APPDATA" nocase ascii wide
        $place2 = /\\(Temp|Startup)\\/ nocase ascii wide
    condition:
        pe.is_pe and filesize < 5MB and $key and any of ($place*) and
        (pe.imports("advapi32.dll", "RegSetValueExA") or pe.imports("advapi32.dll", "RegSetValueExW")) and
        (pe.imports("kernel32.dll", "CopyFileA") or pe.imports("kernel32.dll", "CopyFileW")) and
        (pe.imports("kernel32.dll", "GetModuleFileNameA") or pe.imports("kernel32.dll", "GetModuleFileNameW"))
}

rule Windows_Double_Ending
{
    meta:
        description = "A program whose name pretends to be a document: a second ending hides the real one."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 32
        severity = "high"
        category = "Hooking and other Techniques for Hiding and Protection"
        attack = "T1036.007,T1204.002"
        class = "trojan"
    condition:
        filename matches /\.(pdf|docx?|xlsx?|pptx?|rtf|txt|jpe?g|png|gif|mp[34]|csv|zip) {0,100}\.(exe|scr|com|pif|bat|cmd|js|jse|vbs|vbe|wsf|hta|lnk|ps1|desktop)$/i
}

rule Windows_Reversed_Name
{
    meta:
        description = "A file whose name contains the sign that turns the direction of writing, which hides its ending."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 40
        severity = "high"
        category = "Hooking and other Techniques for Hiding and Protection"
        attack = "T1036.002"
        class = "trojan"
    condition:
        filename contains "\xe2\x80\xae"
}

rule Windows_Event_Logs_Cleared
{
    meta:
        description = "Commands that empty the event logs of Windows."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 35
        severity = "high"
        category = "Hooking and other Techniques for Hiding and Protection"
        attack = "T1685.005"
        class = "evader"
    strings:
        $a = /wevtutil(\.exe)? {1,3}(cl|clear-log) {1,3}["']?(security|system|application|setup|windows powershell|%)/ nocase ascii wide
        $b = /clear-eventlog [^\r\n]{0,40}(security|system|application)/ nocase ascii wide
        $c = /usn(\.exe)? {1,3}deletejournal|fsutil(\.exe)? {1,3}usn {1,3}deletejournal/ nocase ascii wide
        $d = /for \/f[^\r\n]{0,80}wevtutil(\.exe)? {1,3}el[^\r\n]{0,80}wevtutil(\.exe)? {1,3}cl/ nocase ascii wide
    condition:
        filesize < 10MB and (#a >= 2 or $d or ($a and $c) or ($a and $b))
}
