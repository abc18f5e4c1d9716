/*
 * k23 doctor: tries what k23 does, and what it needs, on this machine and as this user, and tells what follows.
 */
#include <getopt.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/doctor/doctor.h"

#define MAX_CHECKS 32

static const char *const verdict_names[] = { "ok", "limited", "missing" };

void finding_set(struct finding *finding, enum verdict verdict, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	finding->verdict = verdict;
	vsnprintf(finding->tried, sizeof(finding->tried), format, args);
	va_end(args);
}

static void run_checks(const struct check *checks, size_t count, struct finding *findings)
{
	for (size_t i = 0; i < count; i++) {
		findings[i] = (struct finding){ .verdict = OK };
		if (checks[i].run)
			checks[i].run(&findings[i]);
		else
			doctor_try_calls(&checks[i], &findings[i]);
	}
}

static void print_table(const struct check *checks, size_t count, const struct finding *findings)
{
	for (size_t i = 0; i < count; i++) {
		printf("%-8s %-14s %s\n", verdict_names[findings[i].verdict], checks[i].name, findings[i].tried);
		if (findings[i].means)
			printf("%24s%s\n", "", findings[i].means);
		if (findings[i].todo)
			printf("%24sto do: %s\n", "", findings[i].todo);
	}
}

static struct json_object *table_json(const struct check *checks, size_t count, const struct finding *findings)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < count; i++) {
		struct json_object *entry = json_object_new_object();
		const struct finding *finding = &findings[i];

		json_object_object_add(entry, "name", json_object_new_string(checks[i].name));
		json_object_object_add(entry, "verdict", json_object_new_string(verdict_names[finding->verdict]));
		json_object_object_add(entry, "tried", json_object_new_string(finding->tried));
		json_object_object_add(entry, "means", finding->means ? json_object_new_string(finding->means) : NULL);
		json_object_object_add(entry, "todo", finding->todo ? json_object_new_string(finding->todo) : NULL);
		json_object_array_add(list, entry);
	}
	return list;
}

static void print_json(const struct finding *tools, const struct finding *machine)
{
	struct json_object *report = json_object_new_object();

	json_object_object_add(report, "works", json_object_new_boolean(tools[0].verdict == OK));
	json_object_object_add(report, "uid", json_object_new_int64(geteuid()));
	json_object_object_add(report, "tools", table_json(doctor_tools, doctor_tool_count, tools));
	json_object_object_add(report, "machine", table_json(doctor_machine, doctor_machine_count, machine));
	puts(json_object_to_json_string_ext(report, JSON_C_TO_STRING_PRETTY));
	json_object_put(report);
}

static const struct option_row doctor_options[] = {
	{ "json", 0, NULL, "write the report as JSON", 'j', NULL },
	{ 0 },
};

static int doctor(int argc, char **argv)
{
	struct finding tools[MAX_CHECKS], machine[MAX_CHECKS];
	bool json = false;

	if (argc == 2 && strcmp(argv[1], "--guest") == 0)
		return doctor_guest();
	while (option_next(&command_doctor, argc, argv) != -1)
		json = true;
	if (optind != argc)
		die_usage("doctor", "there are no arguments");
	run_checks(doctor_tools, doctor_tool_count, tools);
	run_checks(doctor_machine, doctor_machine_count, machine);
	if (json) {
		print_json(tools, machine);
	} else {
		print_table(doctor_tools, doctor_tool_count, tools);
		putchar('\n');
		print_table(doctor_machine, doctor_machine_count, machine);
		printf("\nk23 %s for uid %u on this machine.\n", tools[0].verdict == OK ? "works" : "does not work",
		       geteuid());
	}
	return tools[0].verdict == OK ? 0 : EXIT_K23;
}

const struct command command_doctor = {
	.name = "doctor",
	.run = doctor,
	.summary = "tell what this machine offers, and what k23 can do on it",
	.usage = "[--json]",
	.about = "Tries the tools on a small program of their own, and then what they need of this machine, as\n"
		 "this user. Each line says what was tried; where something is amiss, also what that means for\n"
		 "run, stat, trace and patching, and what to do.\n",
	.options = { doctor_options },
	.after = "Exit status: 0 when programs can be interposed, 125 when not.",
};
