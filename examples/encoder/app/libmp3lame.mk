# Compiles LAME's library and its decoder into libmp3lame.a, without the configure script: under emulation configure
# takes longer than the compiler. Usage: make -f libmp3lame.mk SOURCE=FOLDER ARCHITECTURE=amd64|arm64
SOURCES = $(wildcard $(SOURCE)/libmp3lame/*.c $(SOURCE)/mpglib/*.c) $(SOURCES_$(ARCHITECTURE))
OBJECTS = $(SOURCES:$(SOURCE)/%.c=%.o)

# Every amd64 CPU has SSE, and LAME has code for it; for arm64 it has none.
SOURCES_amd64 = $(SOURCE)/libmp3lame/vector/xmm_quantize_sub.c
DEFINES_amd64 = HAVE_XMMINTRIN_H=1 MIN_ARCH_SSE=1

# What configure would find on any Debian.
DEFINES = HAVE_CONFIG_H STDC_HEADERS HAVE_ERRNO_H HAVE_FCNTL_H HAVE_INTTYPES_H HAVE_LIMITS_H HAVE_STDINT_H \
	HAVE_MPGLIB=1 DECODE_ON_THE_FLY=1 USE_FAST_LOG=1 LAME_LIBRARY_BUILD=1 \
	ieee754_float32_t=float ieee754_float64_t=double $(DEFINES_$(ARCHITECTURE))

CC = gcc
CFLAGS = -O2 -w
override CFLAGS += $(addprefix -D,$(DEFINES)) -I. $(addprefix -I$(SOURCE)/,include libmp3lame mpglib)

libmp3lame.a: $(OBJECTS)
	$(AR) rcs $@ $^

$(OBJECTS): %.o: $(SOURCE)/%.c config.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c $< -o $@

config.h:
	: >$@
