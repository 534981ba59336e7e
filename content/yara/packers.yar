// SPDX-License-Identifier: GPL-3.0-or-later
import "elf"
import "math"
import "pe"

rule Packer_Upx_Elf
{
    meta:
        description = "An ELF program packed with UPX: its code is compressed until it runs."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 12
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1027.002"
        class = "evader"
    strings:
        $magic = "UPX!"
    condition:
        uint32(0) == 0x464c457f and $magic in (0x34..0x400) and $magic in (filesize - 0x200..filesize)
}

rule Packer_Upx_Elf_Altered
{
    meta:
        description = "An ELF program packed with UPX whose marks were removed so that it cannot be unpacked by the tool."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 30
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1027.002"
        class = "evader"
    strings:
        $info = "$Info: This file is packed with the"
        $id = "$Id: UPX "
        $magic = "UPX!"
    condition:
        uint32(0) == 0x464c457f and ($info or $id) and not ($magic in (0x34..0x400) and $magic in (filesize - 0x200..filesize))
}

rule Packer_Elf_Compressed_Body
{
    meta:
        description = "An ELF program without a section table whose content is as random as compressed or encrypted data."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 25
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1027.002"
        class = "evader"
    condition:
        uint32(0) == 0x464c457f and (elf.type == elf.ET_EXEC or elf.type == elf.ET_DYN) and
        elf.number_of_sections == 0 and elf.number_of_segments > 0 and elf.number_of_segments < 5 and
        filesize > 1KB and filesize < 20MB and math.entropy(0, filesize) > 7.3
}

rule Packer_Upx_Pe
{
    meta:
        description = "A Windows program packed with UPX: its sections carry the packer's names."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 10
        severity = "low"
        category = "Data Obfuscation"
        attack = "T1027.002"
        class = "evader"
    condition:
        pe.is_pe and for any s in pe.sections : (s.name == "UPX0") and for any s in pe.sections : (s.name == "UPX1")
}

rule Packer_Pe_Section_Names
{
    meta:
        description = "A Windows program with the section names of a protector or packer (ASPack, MPRESS, Themida, VMProtect, Petite, Enigma, PECompact ...)."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 20
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1027.002"
        class = "evader"
    condition:
        pe.is_pe and for any s in pe.sections : (
            s.name == ".aspack" or s.name == ".ASPack" or s.name == "ASPack" or s.name == ".MPRESS1" or
            s.name == ".MPRESS2" or s.name == ".themida" or s.name == ".Themida" or s.name == ".winlice" or
            s.name == ".vmp0" or s.name == ".vmp1" or s.name == ".petite" or s.name == ".nsp0" or s.name == ".nsp1" or
            s.name == ".enigma1" or s.name == ".enigma2" or s.name == "PEC2" or s.name == "PEC2TO" or
            s.name == "pec1" or s.name == ".svkp" or s.name == ".MEW" or s.name == "MEW" or s.name == ".FSG")
}

rule Packer_Pe_Random_Code
{
    meta:
        description = "A Windows program whose code section is as random as encrypted data and that imports next to nothing by name."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 25
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1027.002"
        class = "evader"
    condition:
        pe.is_pe and pe.number_of_imported_functions < 12 and not pe.imports("mscoree.dll") and
        for any s in pe.sections : (
            s.characteristics & pe.SECTION_MEM_EXECUTE != 0 and s.raw_data_size >= 1024 and
            math.entropy(s.raw_data_offset, s.raw_data_size) > 7.3)
}

rule Packer_Pe_Empty_Code_Section
{
    meta:
        description = "A Windows program with a section that is empty in the file but writable and executable in memory: code is unpacked into it."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 20
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1027.002"
        class = "evader"
    condition:
        pe.is_pe and for any s in pe.sections : (
            s.raw_data_size == 0 and s.virtual_size >= 0x1000 and
            s.characteristics & pe.SECTION_MEM_EXECUTE != 0 and s.characteristics & pe.SECTION_MEM_WRITE != 0 and
            s.name != "UPX0")
}

rule Packer_Shc_Script
{
    meta:
        description = "A shell script turned into an encrypted program with shc: what it does cannot be read before it runs."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 22
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1027.013,T1059.004"
        class = "evader"
    strings:
        $a = "neither argv[0] nor $_ works."
        $b = "has expired!"
        $c = "E: %s%s%s"
        $d = "Please contact your provider"
    condition:
        uint32(0) == 0x464c457f and $a and any of ($b, $c, $d)
}

rule Packer_Pyinstaller
{
    meta:
        description = "A Python program packed with PyInstaller into one file: interpreter and code are unpacked when it starts."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 6
        severity = "low"
        category = "Data Obfuscation"
        attack = "T1027.002,T1059.006"
    strings:
        $cookie = { 4D 45 49 0C 0B 0A 0B 0E }
        $tmp1 = "_MEIPASS"
        $tmp2 = "_PYI_APPLICATION_HOME_DIR"
        $tmp3 = "pyi-runtime-tmpdir"
    condition:
        (uint32(0) == 0x464c457f or uint16(0) == 0x5a4d) and $cookie and any of ($tmp*)
}

rule Packer_Autoit_Script
{
    meta:
        description = "A program that carries a compiled AutoIt script, a common wrapper around other programs."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 10
        severity = "low"
        category = "Data Obfuscation"
        attack = "T1027.009,T1059.010"
    strings:
        $mark = "AU3!EA06"
        $guid = { A3 48 4B BE 98 6C 4A A9 99 4C 53 0A 86 D6 48 7D }
    condition:
        $mark and $guid
}

rule Packer_Embedded_Pe_Base64
{
    meta:
        description = "Text that carries a Windows program encoded in base64 (plain, reversed or in hexadecimal)."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 25
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1027.013,T1027.009"
        class = "trojan"
    strings:
        $b64 = "TVqQAAMAAAAEAAAA//8AALgAAAAAAAAAQAAAA"
        $b64wide = "TVqQAAMAAAAEAAAA//8AALgAAAAAAAAAQAAAA" wide
        $reversed = "AAAAQAAAAAAAAAAgLAA8//AAAAEAAAAMAAQqVT"
        $hex = "4d5a90000300000004000000ffff0000b8000000" nocase
        $hex2 = "0x4d,0x5a,0x90,0x00,0x03,0x00,0x00,0x00" nocase
    condition:
        uint16(0) != 0x5a4d and uint32(0) != 0x464c457f and filesize < 20MB and any of them
}

rule Packer_Embedded_Elf_Base64
{
    meta:
        description = "Text that carries a Linux program encoded in base64 or hexadecimal."
        author = "Belljar"
        license = "GPL-3.0-or-later"
        score = 25
        severity = "medium"
        category = "Data Obfuscation"
        attack = "T1027.013,T1027.009"
        class = "trojan"
    strings:
        $b64_64 = "f0VMRgIBAQAAAAAAAAAAA"
        $b64_64_gnu = "f0VMRgIBAQMAAAAAAAAAA"
        $b64_32 = "f0VMRgEBAQAAAAAAAAAAA"
        $hex_64 = "7f454c4602010100000000000000000" nocase
        $hex_32 = "7f454c4601010100000000000000000" nocase
        $esc = /\\x7f(ELF|\\x45\\x4c\\x46)\\x0[12]\\x0[12]\\x01(\\x[0-9a-f]{2}){9}/ nocase
    condition:
        uint32(0) != 0x464c457f and uint16(0) != 0x5a4d and filesize < 20MB and any of them
}
