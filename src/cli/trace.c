#include "cli/cli.h"
int command_trace(int argc, char **argv) { (void)argc; (void)argv; return EXIT_K23; }
