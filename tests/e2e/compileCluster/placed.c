/* What a preprocessor says of the file, the line, the time zone and the compiler's words. */
#pragma message "placed"
const char *words(void)
{
	return __BASE_FILE__ " of " __TIMESTAMP__ ", compiled " __DATE__;
}

int line(void)
{
	return __LINE__;
}
