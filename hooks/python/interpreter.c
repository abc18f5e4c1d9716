#include "interpreter.h"

#include <Python.h>

#include "module.h"

/* The modules in Python that are in the hook (modules.txt), and policy_functions.py. They take the place of the
 * library's own, which are 900 KB of variables that each process would have to itself. */
__asm__(".pushsection .rodata\n"
	"frozen_code: .incbin \"" FROZEN_CODE "\"\n"
	".popsection");
extern __attribute__((visibility("hidden"))) const unsigned char frozen_code[];
static const struct _frozen frozen_modules[] = {
#include FROZEN_TABLE
	{ 0 },
}, none[] = { { 0 } };
const struct _frozen *_PyImport_FrozenBootstrap = frozen_modules, *_PyImport_FrozenStdlib = none;
const struct _frozen *_PyImport_FrozenTest = none, *PyImport_FrozenModules;

static const struct _module_alias {
	const char *name, *original;
} aliases[] = {
	{ "_frozen_importlib", "importlib._bootstrap" },
	{ "_frozen_importlib_external", "importlib._bootstrap_external" },
	{ 0 },
};
const struct _module_alias *_PyImport_FrozenAliases = aliases;

/* None of the library's own has to be made ready, or freed. */
int _Py_Deepfreeze_Init(void);
int _Py_Deepfreeze_Init(void)
{
	return 0;
}

void _Py_Deepfreeze_Fini(void);
void _Py_Deepfreeze_Fini(void)
{
}

/* Modules in C, in the place of the library's own table: without those that ask the system's name services, for which a
 * C library loads others, and those that are large and of no use here (pyexpat, unicodedata). */
#define MODULES(use)                                                                                                   \
	use(_abc) use(_bisect) use(_blake2) use(_codecs) use(_collections) use(_csv) use(_datetime) use(_functools)    \
	use(_heapq) use(_io) use(_locale) use(_md5) use(_opcode) use(_operator) use(_pickle) use(_random) use(_sha1)   \
	use(_sha256) use(_sha3) use(_sha512) use(_signal) use(_sre) use(_stat) use(_statistics) use(_string)           \
	use(_struct) use(_thread) use(_tokenize) use(_ast) use(_imp) use(_weakref) use(array) use(atexit)              \
	use(binascii) use(cmath) use(errno) use(faulthandler) use(fcntl) use(gc) use(itertools) use(math) use(posix)   \
	use(select) use(time) use(zlib) use(_tracemalloc) use(_symtable)
#define DECLARE(name) extern PyObject *PyInit_##name(void);
#define ROW(name) { #name, PyInit_##name },
MODULES(DECLARE)
extern PyObject *PyMarshal_Init(void), *_PyWarnings_Init(void);
struct _inittab _PyImport_Inittab[] = {
	MODULES(ROW)
	{ "marshal", PyMarshal_Init },
	{ "_warnings", _PyWarnings_Init },
	{ "k23", module_init },
	{ "builtins", NULL },
	{ "sys", NULL },
	{ NULL, NULL },
};

/* There are no shared objects: nothing could load them. */
const char *_PyImport_DynLoadFiletab[] = { NULL };
void *_PyImport_FindSharedFuncptr(const char *prefix, const char *name, const char *path, FILE *file);
void *_PyImport_FindSharedFuncptr(const char *prefix, const char *name, const char *path, FILE *file)
{
	(void)prefix, (void)name, (void)path, (void)file;
	return NULL;
}

/* The stack of a thread of the hook has 256 KB, of which a call from C to a function takes some 600 bytes. */
#define RECURSION 250

static PyStatus configure(PyConfig *config)
{
	struct {
		wchar_t **where;
		const wchar_t *path;
	} const paths[] = {
		/* All that there is to be found, so that nothing is looked for. */
		{ &config->program_name, L"k23" }, { &config->executable, L"" },
		{ &config->base_executable, L"" }, { &config->stdlib_dir, L"" },
		{ &config->prefix, L"/usr" },	   { &config->base_prefix, L"/usr" },
		{ &config->exec_prefix, L"/usr" }, { &config->base_exec_prefix, L"/usr" },
	};
	PyStatus status = PyStatus_Ok();

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]) && !PyStatus_Exception(status); i++)
		status = PyConfig_SetString(config, paths[i].where, paths[i].path);
	config->module_search_paths_set = 1;
	if (!PyStatus_Exception(status))
		status = PyWideStringList_Append(&config->module_search_paths, L"" LIBRARY);
	return status;
}

const char *interpreter_start(void)
{
	PyPreConfig before;
	PyConfig config;
	PyStatus status;

	PyPreConfig_InitIsolatedConfig(&before);
	before.utf8_mode = 1;
	status = Py_PreInitialize(&before);
	if (PyStatus_Exception(status))
		return status.err_msg;
	PyConfig_InitIsolatedConfig(&config);
	config.site_import = 0;
	config.write_bytecode = 0;
	config.install_signal_handlers = 0;
	config.pathconfig_warnings = 0;
	status = configure(&config);
	if (!PyStatus_Exception(status))
		status = Py_InitializeFromConfig(&config);
	PyConfig_Clear(&config);
	if (PyStatus_Exception(status))
		return status.err_msg ? status.err_msg : "it does not start";
	Py_SetRecursionLimit(RECURSION);
	return NULL;
}
