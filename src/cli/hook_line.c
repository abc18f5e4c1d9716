#include "cli/hook_line.h"

#include <elfutils/libdwfl.h>
#include <string.h>

#include "cli/cli.h"

static bool tell(Dwfl *dwfl, const char *file, uint64_t address)
{
	const char *function, *source;
	Dwfl_Module *module;
	Dwfl_Line *line;
	int number;

	dwfl_report_begin(dwfl);
	module = dwfl_report_elf(dwfl, file, file, -1, 0, true);
	dwfl_report_end(dwfl, NULL, NULL);
	line = module ? dwfl_module_getsrc(module, address) : NULL;
	source = line ? dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL) : NULL;
	if (!source)
		return false;
	function = dwfl_module_addrname(module, address);
	function = function ? function : "code";
	/* Without what compilers append to parts and copies of a function. */
	complain("that is %.*s at %s:%d", (int)strcspn(function, "."), function, source, number);
	return true;
}

bool hook_line_tell(const char *file, uint64_t address)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf, /* never asked: the module has its file */
		.find_debuginfo = dwfl_standard_find_debuginfo,
	};
	Dwfl *dwfl = dwfl_begin(&callbacks);
	bool told = dwfl && tell(dwfl, file, address);

	dwfl_end(dwfl);
	return told;
}
