// SPDX-License-Identifier: GPL-3.0-or-later

rule Webshell_Php_Request_Exec
{
    meta:
        description = "A PHP page that runs what its visitor sends."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 60
        severity = "high"
        category = "Remote Access Functionality"
        attack = "T1505.003,T1059"
        class = "trojan"
    strings:
        $php = "<?"
        $a = /\b(eval|assert|system|passthru|shell_exec|exec|popen|proc_open|pcntl_exec|create_function) ?\( ?@?["']?((base64_decode|stripslashes|trim|gzinflate|str_rot13|urldecode|hex2bin) ?\( ?@?){0,3}\$\{?["']?_(GET|POST|REQUEST|COOKIE|SERVER|FILES) ?\[/ nocase
        $b = /\b(eval|assert|system|passthru|shell_exec) ?\( ?(base64_decode ?\( ?)?(file_get_contents|fgets) ?\( ?["']php:\/\/input["']/ nocase
        $c = /`[^`\n]{0,20}\$_(GET|POST|REQUEST|COOKIE) ?\[[^`\n]{1,40}`/
    condition:
        filesize < 5MB and $php and any of ($a, $b, $c)
}

rule Webshell_Php_Request_Names_Function
{
    meta:
        description = "A PHP page that calls the function that its visitor names."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 55
        severity = "high"
        category = "Remote Access Functionality"
        attack = "T1505.003"
        class = "trojan"
    strings:
        $php = "<?"
        $a = /\$_(GET|POST|REQUEST|COOKIE)\[[^\]\n]{1,24}\] ?\( ?@?\$_(GET|POST|REQUEST|COOKIE)/ nocase
        $b = /\b(array_map|array_filter|usort|uasort|call_user_func|call_user_func_array|register_shutdown_function) ?\( ?(array ?\( ?)?@?\$_(GET|POST|REQUEST|COOKIE)\[[^\]\n]{1,24}\] ?,/ nocase
    condition:
        filesize < 5MB and $php and any of ($a, $b)
}

rule Webshell_Php_Panel
{
    meta:
        description = "A PHP page that offers a file manager, commands and facts about the server: the work place of an intruder."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 45
        severity = "high"
        category = "Remote Access Functionality"
        attack = "T1505.003,T1083"
        class = "trojan"
    strings:
        $php = "<?php" nocase
        $a = "disable_functions"
        $b = "safe_mode" nocase
        $c = "posix_getpwuid"
        $d = "php_uname"
        $e = "move_uploaded_file"
        $f = "open_basedir"
        $g = "disk_free_space"
        $run1 = "shell_exec" nocase
        $run2 = "passthru" nocase
        $run3 = "proc_open" nocase
        $run4 = "popen" nocase
        $input = /\$_(GET|POST|REQUEST)\[["'](cmd|c|command|exec|shell|act|action|dir|path|d|x)["']\]/
        $word1 = /(back ?connect|bind ?port|reverse ?shell|mass ?deface|web ?shell|brute ?force)/ nocase
        $word2 = "/etc/passwd"
    condition:
        filesize < 1MB and $php and 4 of ($a, $b, $c, $d, $e, $f, $g) and any of ($run*) and $input and any of ($word*)
}

rule Webshell_Php_In_Picture
{
    meta:
        description = "A picture with PHP code inside that runs commands: uploaded as a picture, called as a page."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 50
        severity = "high"
        category = "Remote Access Functionality"
        attack = "T1505.003,T1036.008"
        class = "trojan"
    strings:
        $php = "<?php" nocase
        $run = /\b(eval|assert|system|passthru|shell_exec|exec|base64_decode|move_uploaded_file|file_put_contents) ?\(/ nocase
    condition:
        (uint32(0) == 0x38464947 or uint32be(0) == 0x89504e47 or uint16be(0) == 0xffd8 or uint16be(0) == 0x424d) and
        filesize < 20MB and $php and $run
}

rule Webshell_Php_Uploader
{
    meta:
        description = "A small PHP page that stores any file its visitor sends, under the name he wants, with no check."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 22
        severity = "medium"
        category = "Remote Access Functionality"
        attack = "T1505.003,T1105"
        class = "trojan"
    strings:
        $php = "<?"
        $a = /(move_uploaded_file|copy) ?\( ?\$_FILES\[[^\n]{1,60}\]\[["']tmp_name["']\] ?, ?(\$_(GET|POST|REQUEST)|["']?\.?\/?["']? ?\.? ?\$_FILES\[)/ nocase
        $b = /file_put_contents ?\( ?\$_(GET|POST|REQUEST)\[[^\n]{1,24}\] ?, ?(base64_decode ?\( ?)?(\$_(GET|POST|REQUEST)|file_get_contents)/ nocase
    condition:
        filesize < 20KB and $php and any of ($a, $b)
}

rule Webshell_Jsp_Exec
{
    meta:
        description = "A Java server page that runs what its visitor sends."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 55
        severity = "high"
        category = "Remote Access Functionality"
        attack = "T1505.003,T1059"
        class = "trojan"
    strings:
        $page = "<%"
        $page2 = "<jsp:scriptlet"
        $direct = /\.exec ?\( ?request\.getParameter ?\(/
        $runtime = "getRuntime()"
        $builder = "ProcessBuilder"
        $exec = ".exec("
        $start = ".start("
        $input = /request\.get(Parameter|Header|InputStream|Reader) ?\(/
        $out = "getInputStream()"
        $cmd1 = "cmd.exe"
        $cmd2 = "/bin/sh"
        $cmd3 = "/bin/bash"
        $cmd4 = /getParameter ?\( ?"(cmd|c|command|exec|pwd|shell|x)"/
    condition:
        filesize < 1MB and any of ($page*) and
        ($direct or (($runtime and $exec or $builder and $start) and $input and $out and any of ($cmd*)))
}

rule Webshell_Jsp_Class_Loader
{
    meta:
        description = "A Java server page that loads the code its visitor sends, decrypted, without a file."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 50
        severity = "high"
        category = "Remote Access Functionality"
        attack = "T1505.003,T1620"
        class = "trojan"
    strings:
        $page = "<%"
        $page2 = "<jsp:scriptlet"
        $define = "defineClass"
        $loader = "ClassLoader"
        $input = /request\.get(Reader|InputStream|Parameter|Header) ?\(/
        $crypt1 = "javax.crypto"
        $crypt2 = "Cipher.getInstance"
        $crypt3 = "BASE64Decoder"
        $crypt4 = "Base64"
    condition:
        filesize < 1MB and any of ($page*) and $define and $loader and $input and any of ($crypt*)
}

rule Webshell_Asp_Eval
{
    meta:
        description = "An ASP page that runs what its visitor sends."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 55
        severity = "high"
        category = "Remote Access Functionality"
        attack = "T1505.003,T1059.005"
        class = "trojan"
    strings:
        $page = "<%"
        $page2 = "runat=\"server\"" nocase
        $a = /\b(eval|execute|executeglobal) ?\(? ?request(\.(item|form|querystring))? ?[\(\[] ?["']/ nocase
        $b = /eval ?\( ?Request\.Item\[ ?["'][^"'\n]{1,30}["'] ?\] ?, ?["']unsafe["'] ?\)/ nocase
    condition:
        filesize < 1MB and any of ($page*) and any of ($a, $b)
}

rule Webshell_Aspx_Process
{
    meta:
        description = "An ASP.NET page that starts programs for its visitor."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 50
        severity = "high"
        category = "Remote Access Functionality"
        attack = "T1505.003,T1059.003"
        class = "trojan"
    strings:
        $page = /<%@ ?(Page|WebHandler|WebService|import)/ nocase
        $start = "ProcessStartInfo" nocase
        $start2 = "Process.Start(" nocase
        $cmd1 = "cmd.exe" nocase
        $cmd2 = "powershell" nocase
        $input = /Request(\.(Form|QueryString|Item|Params|Headers|Cookies))? ?[\[\(] ?"/ nocase
        $input2 = "TextBox" nocase
        $out = "RedirectStandardOutput" nocase
    condition:
        filesize < 1MB and $page and any of ($start*) and any of ($cmd*) and any of ($input*) and $out
}

rule Webshell_Htaccess_Handler
{
    meta:
        description = "Server settings that make pictures or texts run as programs, or put a script before every page."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 35
        severity = "high"
        category = "Persistence and Installation Behavior"
        attack = "T1505.003"
        class = "trojan"
    strings:
        $type = /AddType {1,4}application\/x-httpd-php[0-9]? {1,4}[^\r\n]{0,40}\.(jpe?g|png|gif|ico|txt|css|pdf|svg|bmp)\b/ nocase
        $handler = /AddHandler {1,4}(application\/x-httpd-php|php[0-9]?-script|fcgid-script|cgi-script)[^\r\n]{0,20} {1,4}[^\r\n]{0,40}\.(jpe?g|png|gif|ico|txt|css|pdf|svg|bmp)\b/ nocase
        $prepend = /auto_(prepend|append)_file[ =]{1,4}["']?(\/tmp\/|\/var\/tmp\/|\/dev\/shm\/|data:|php:\/\/input|https?:)/ nocase
    condition:
        filesize < 200KB and any of them
}
