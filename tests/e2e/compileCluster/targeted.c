/* Macros of the compiler itself that a source turns on. */
#if defined(__x86_64__)
#pragma GCC target("avx2")
#else
#pragma GCC target("+crc")
#endif

#if defined(__AVX2__) || defined(__ARM_FEATURE_CRC32)
int is_targeted;
#endif
