# Compiles Opus's own lists of sources into libopus.a, without its configure script: under emulation configure takes
# longer than the compiler. Usage: make -f libopus.mk SOURCE=FOLDER ARCHITECTURE=amd64|arm64
include $(SOURCE)/celt_sources.mk
include $(SOURCE)/silk_sources.mk
include $(SOURCE)/opus_sources.mk

# Every CPU of these architectures has these vector instructions: no detection at run time.
DEFINES_amd64 = OPUS_X86_MAY_HAVE_SSE OPUS_X86_PRESUME_SSE OPUS_X86_MAY_HAVE_SSE2 OPUS_X86_PRESUME_SSE2
SOURCES_amd64 = $(CELT_SOURCES_SSE) $(CELT_SOURCES_SSE2)
DEFINES_arm64 = OPUS_ARM_MAY_HAVE_NEON OPUS_ARM_PRESUME_NEON OPUS_ARM_MAY_HAVE_NEON_INTR OPUS_ARM_PRESUME_NEON_INTR \
	OPUS_ARM_PRESUME_AARCH64_NEON_INTR
SOURCES_arm64 = $(CELT_SOURCES_ARM_NEON_INTR) $(SILK_SOURCES_ARM_NEON_INTR)

SOURCES = $(CELT_SOURCES) $(SILK_SOURCES) $(SILK_SOURCES_FLOAT) $(OPUS_SOURCES) $(OPUS_SOURCES_FLOAT) \
	$(SOURCES_$(ARCHITECTURE))
OBJECTS = $(SOURCES:.c=.o)

CC = gcc
CFLAGS = -O2 -w
DEFINES = OPUS_BUILD VAR_ARRAYS HAVE_LRINT HAVE_LRINTF $(DEFINES_$(ARCHITECTURE))
FOLDERS = . include celt silk silk/float silk/fixed
override CFLAGS += $(addprefix -D,$(DEFINES)) $(addprefix -I$(SOURCE)/,$(FOLDERS))

libopus.a: $(OBJECTS)
	$(AR) rcs $@ $^

$(OBJECTS): %.o: $(SOURCE)/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c $< -o $@
