/*
 * Weaves a front into QEMU:
 *
 *     weave QEMU FRONT >RESULT
 *
 * FRONT is a static program of one part that is loaded, without relocations (front.c). The result is QEMU's file with that
 * part behind it, loaded behind QEMU's and entered first. A note, which nothing reads, gives its place in the table of parts;
 * its physical address, which nothing reads either, is how far it is from there to QEMU's beginning.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The largest page of any machine: 64 KB on some with ARM. */
enum { page = 0x10000 };

struct program {
	const char *name;
	unsigned char *bytes;
	size_t size;
	Elf64_Ehdr *head;
	Elf64_Phdr *parts;
};

static void fail(const struct program *program, const char *reason)
{
	fprintf(stderr, "weave: %s: %s\n", program->name, reason);
	exit(1);
}

static struct program program_in(const char *name)
{
	struct program program = { .name = name };
	FILE *file = fopen(name, "rb");

	if (!file || fseek(file, 0, SEEK_END) != 0)
		fail(&program, "cannot be read");
	program.size = ftell(file);
	program.bytes = malloc(program.size);
	rewind(file);
	if (!program.bytes || fread(program.bytes, 1, program.size, file) != program.size)
		fail(&program, "cannot be read");
	fclose(file);
	program.head = (Elf64_Ehdr *)program.bytes;
	if (program.size < sizeof(Elf64_Ehdr) || memcmp(program.bytes, ELFMAG, SELFMAG) != 0 ||
	    program.head->e_ident[EI_CLASS] != ELFCLASS64 || program.head->e_phentsize != sizeof(Elf64_Phdr) ||
	    program.head->e_phoff > program.size ||
	    program.head->e_phnum > (program.size - program.head->e_phoff) / sizeof(Elf64_Phdr))
		fail(&program, "is not a program of 64 bits");
	program.parts = (Elf64_Phdr *)(program.bytes + program.head->e_phoff);
	return program;
}

static size_t upwards(size_t address)
{
	return (address + page - 1) / page * page;
}

/* The part of QEMU that gives way to the front, a note; and where QEMU ends in memory. */
static Elf64_Phdr *place_in(const struct program *emulator, size_t *end)
{
	Elf64_Phdr *place = NULL;

	for (int at = 0; at < emulator->head->e_phnum; at++) {
		Elf64_Phdr *part = &emulator->parts[at];

		if (part->p_type == PT_INTERP)
			fail(emulator, "needs libraries: it has to be a static program");
		if (part->p_type == PT_LOAD && part->p_vaddr + part->p_memsz > *end)
			*end = part->p_vaddr + part->p_memsz;
		/* The kernel wants the parts that it loads in the order of their addresses. */
		if (part->p_type == PT_LOAD)
			place = NULL;
		else if (part->p_type == PT_NOTE)
			place = part;
	}
	if (!place)
		fail(emulator, "has no note behind the parts that are loaded");
	return place;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: weave QEMU FRONT >RESULT\n");
		return 2;
	}
	struct program emulator = program_in(argv[1]), front = program_in(argv[2]);
	size_t end = 0;
	Elf64_Phdr *loaded = NULL, *place = place_in(&emulator, &end);

	for (int at = 0; at < front.head->e_phnum; at++)
		if (front.parts[at].p_type == PT_LOAD)
			loaded = &front.parts[at];
	if (!loaded || loaded->p_offset + loaded->p_filesz > front.size || loaded->p_memsz != loaded->p_filesz)
		fail(&front, "is not a program of one part, without data");

	size_t offset = upwards(emulator.size), address = upwards(end);
	size_t entry = address + (front.head->e_entry - loaded->p_vaddr);

	*place = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_offset = offset,
		.p_vaddr = address,
		.p_paddr = emulator.head->e_entry - entry,
		.p_filesz = loaded->p_filesz,
		.p_memsz = loaded->p_memsz,
		.p_align = page,
	};
	emulator.head->e_entry = entry;
	fwrite(emulator.bytes, 1, emulator.size, stdout);
	for (size_t at = emulator.size; at < offset; at++)
		putchar(0);
	fwrite(front.bytes + loaded->p_offset, 1, loaded->p_filesz, stdout);
	if (fflush(stdout) != 0 || ferror(stdout))
		fail(&emulator, "cannot be written with its front");
	return 0;
}
