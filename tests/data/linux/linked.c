/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small program for another processor that is linked to the C library of that processor, which the guest has to find:
 * leaves a file by way of it. Built twice: see tests/data/CMakeLists.txt. */
#ifdef STAND_IN
/* What the linker sees as the C library; in the guest the real one is in its place. */
void fopen(void);
void fprintf(void);
void fclose(void);
void exit(void);
void fopen(void)
{
}
void fprintf(void)
{
}
void fclose(void)
{
}
void exit(void)
{
}
#else
void *fopen(const char *path, const char *mode);
int fprintf(void *file, const char *format, ...);
int fclose(void *file);
_Noreturn void exit(int status);

void _start(void);
void _start(void)
{
    void *f = fopen("/tmp/linked-was-here", "w");

    if (f) {
        fprintf(f, "%s program was here\n", "linked");
        fclose(f);
    }
    exit(f ? 7 : 8);
}
#endif
