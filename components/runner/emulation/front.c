/*
 * A part of QEMU's own file (see weave.c), which is registered in binfmt_misc as the interpreter of a foreign architecture
 * (flags P and F) in place of it: the first that runs of it. A program that is called like a compiler goes to the toolchain's
 * dispatcher, where one is mounted (see dispatcher.c). Everything else goes on as QEMU, as if this were not there: it costs
 * no program more, and the process has the name, the memory and the descriptors that it has under QEMU.
 *
 * Called by the kernel as: QEMU PATH ARGV0 ARGUMENT...
 *
 * It has no library, no relocations and no data: what QEMU needs of all that is not there yet.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "toolchain.h"

/* At the start: the stack, as the kernel made it, is the argument, and is QEMU's when it begins. */
__asm__(".globl begin\n"
	"begin:\n"
#if defined(__x86_64__)
	"	mov %rsp, %rbx\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call front\n"
	"	mov %rbx, %rsp\n"
	"	xor %edx, %edx\n"
	"	jmp *%rax\n"
#elif defined(__aarch64__)
	"	mov x19, sp\n"
	"	mov x0, sp\n"
	"	bl front\n"
	"	mov sp, x19\n"
	"	mov x16, x0\n"
	"	mov x0, xzr\n"
	"	br x16\n"
#endif
);

static long system_call(long number, long first, long second, long third)
{
#if defined(__x86_64__)
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(first), "S"(second), "d"(third)
			 : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = first;
	register long x1 __asm__("x1") = second;
	register long x2 __asm__("x2") = third;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
#endif
}

static int is_word(const char *word, const char *end, const char *name)
{
	while (*name && word < end && *word == *name)
		word++, name++;
	return !*name && word == end;
}

/* What is compiled, or assembled, by a program of this name, or what calls that. Such as cc1, aarch64-linux-gnu-as, gcc-12. */
static int is_compiler(const char *path)
{
	static const char names[][8] = { "cc1", "cc1plus", "lto1", "as", "gcc", "g++", "cc", "c++" };
	const char *name = path, *end = path;

	for (; *end; end++)
		if (*end == '/')
			name = end + 1;

	const char *version = end;

	while (version > name && ((version[-1] >= '0' && version[-1] <= '9') || version[-1] == '.'))
		version--;
	if (version < end && version > name && version[-1] == '-')
		end = version - 1;
	for (const char *at = name; at < end; at++)
		if (*at == '-')
			name = at + 1;
	for (unsigned at = 0; at < sizeof(names) / sizeof(*names); at++)
		if (is_word(name, end, names[at]))
			return 1;
	return 0;
}

/* Where QEMU begins: weave.c has left it in the last part of the file that is loaded. */
static unsigned long beginning_of_emulator(unsigned long entry, const Elf64_Phdr *parts, unsigned long count)
{
	unsigned long distance = 0;

	for (; count > 0; count--, parts++)
		if (parts->p_type == PT_LOAD)
			distance = parts->p_paddr;
	return entry + distance;
}

__attribute__((used)) unsigned long front(unsigned long *stack)
{
	unsigned long count = stack[0];
	char **words = (char **)(stack + 1), **environment = words + count + 1, **end = environment;
	unsigned long entry = 0, parts = 0, number = 0, privileged = 1, program = 0;

	while (*end)
		end++;
	for (const unsigned long *fact = (unsigned long *)(end + 1); fact[0] != AT_NULL; fact += 2) {
		if (fact[0] == AT_ENTRY)
			entry = fact[1];
		if (fact[0] == AT_PHDR)
			parts = fact[1];
		if (fact[0] == AT_PHNUM)
			number = fact[1];
		if (fact[0] == AT_SECURE)
			privileged = fact[1];
		if (fact[0] == AT_EXECFD)
			program = fact[1];
	}
	/* A program with more rights than its caller's is not looked for where the caller could put one. A compiler that may be
	   run and not read is QEMU's: the kernel has opened it. */
	if (count >= 3 && !privileged && is_compiler(words[1]) &&
	    system_call(SYS_faccessat, AT_FDCWD, (long)words[1], R_OK) == 0) {
		if (program)
			system_call(SYS_fcntl, program, F_SETFD, FD_CLOEXEC);
		system_call(SYS_execve, (long)DISPATCHER, (long)words, (long)environment);
	}
	return beginning_of_emulator(entry, (const Elf64_Phdr *)parts, number);
}
