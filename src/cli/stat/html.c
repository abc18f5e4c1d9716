#include "cli/stat/html.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define MOST_CALLS 40     /* in the table */
#define MOST_FILES 200
#define MOST_PROCESSES 60 /* in the timeline */
#define COLOURS 6	  /* of kinds of calls in the timeline; the last is for all others */
#define WIDTH 1000	  /* of the timeline, and its heights */
#define HEIGHT 160
#define BAR 14

static const char style[] =
	"body { font: 14px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 1040px; padding: 0 1em }\n"
	"body { color: #1c2733; background: #fff }\n"
	"h1 { font-size: 1.4em }\n"
	"h2 { font-size: 1.1em; margin: 2em 0 .5em }\n"
	"code, .mono { font-family: ui-monospace, monospace; font-size: 13px }\n"
	"table { border-collapse: collapse; width: 100% }\n"
	"th { text-align: right; font-weight: 600; border-bottom: 1px solid #9ab }\n"
	"td { text-align: right; padding: 1px 0 1px 12px; border-bottom: 1px solid #edf0f3; white-space: nowrap }\n"
	"th.name, td.name { text-align: left; white-space: normal; word-break: break-all }\n"
	".share { width: 120px }\n"
	".share i { display: block; height: 10px; background: #4a7fb5 }\n"
	".verdict { padding: .6em 1em; border-left: 5px solid; overflow-x: auto }\n"
	".complete { border-color: #2c8a4b; background: #eef8f1 }\n"
	".incomplete { border-color: #c0392b; background: #fdf1ef }\n"
	"dl { display: grid; grid-template-columns: max-content auto; gap: 2px 1.2em; margin: 0 }\n"
	"dt { color: #5a6b7b }\n"
	"dd { margin: 0 }\n"
	"ul { list-style: none; padding-left: 1.2em; margin: 0 }\n"
	"svg { width: 100%; height: auto; display: block; font: 11px system-ui, sans-serif }\n"
	".legend span { margin-right: 1.2em }\n"
	".legend svg { display: inline; width: 10px; height: 10px }\n"
	".c0 { fill: #4a7fb5 } .c1 { fill: #d9822b } .c2 { fill: #3d9970 }\n"
	".c3 { fill: #b5548a } .c4 { fill: #8b79c9 } .c5 { fill: #b8c2cc }\n"
	".axis { fill: #5a6b7b }\n"
	".bar { fill: #9db8d3 }\n";

/* Text in an element or an attribute. Control characters are no part of HTML. */
static void put_text(FILE *output, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '&' || c == '<' || c == '>' || c == '"' || c == '\'')
			fprintf(output, "&#%u;", c);
		else
			fputc(c < ' ' || c == 0x7f ? '?' : c, output);
	}
}

static void put_seconds(FILE *output, double seconds)
{
	static const struct {
		double unit;
		const char *name;
	} units[] = { { 1, "s" }, { 1e-3, "ms" }, { 1e-6, "µs" }, { 1e-9, "ns" } };
	size_t i = 0;

	if (seconds <= 0) {
		fputc('0', output);
		return;
	}
	while (i < 3 && seconds < units[i].unit)
		i++;
	fprintf(output, "%.3g %s", seconds / units[i].unit, units[i].name);
}

/* --- what the page begins with */

static void put_verdict(FILE *output, const struct verdict *verdict)
{
	bool complete = verdict_is_complete(verdict);
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	if (!memory)
		die(EXIT_K23, "out of memory");
	verdict_print(verdict, memory, "");
	fclose(memory);
	fprintf(output, "<pre class=\"verdict %s\" id=\"verdict\">", complete ? "complete" : "incomplete");
	text[size - 1] = '\0';
	for (char *line = text, *rest; line; line = rest) {
		rest = strchr(line, '\n');
		if (rest)
			*rest++ = '\0';
		put_text(output, line);
		fputs(rest ? "\n" : "</pre>\n", output);
	}
	free(text);
}

static void put_head(FILE *output, const struct stat_page *page)
{
	const struct stat_row *total = &page->report->total;

	fprintf(output, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
			"<meta name=\"viewport\" content=\"width=device-width\">\n<title>k23 stat: ");
	put_text(output, page->argv[0]);
	fprintf(output, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1>System calls of <code>", style);
	for (char **argument = page->argv; *argument; argument++) {
		put_text(output, *argument);
		fputs(argument[1] ? " " : "", output);
	}
	fputs("</code></h1>\n", output);
	put_verdict(output, page->verdict);
	if (WIFSIGNALED(page->status))
		fprintf(output, "<dl>\n<dt>killed by signal</dt><dd>%d</dd>\n", WTERMSIG(page->status));
	else
		fprintf(output, "<dl>\n<dt>exit status</dt><dd>%d</dd>\n", WEXITSTATUS(page->status));
	fputs("<dt>elapsed</dt><dd>", output);
	put_seconds(output, page->elapsed);
	fprintf(output, "</dd>\n<dt>programs, processes</dt><dd>%llu, %zu</dd>\n", (unsigned long long)page->programs,
		page->report->processes.count);
	fprintf(output, "<dt>calls, errors</dt><dd>%llu, %llu</dd>\n<dt>time in calls</dt><dd>",
		(unsigned long long)total->count.calls, (unsigned long long)total->count.errors);
	put_seconds(output, total->seconds);
	fputs("</dd>\n</dl>\n", output);
}

/* --- the timeline */

/* The kinds of calls of which there were most: they have colours. Returns how many there are. */
static size_t choose_calls(const struct stat_samples *samples, unsigned chosen[COLOURS - 1])
{
	size_t count = 0;

	while (count < COLOURS - 1) {
		uint64_t most = 0;
		unsigned best = 0;

		for (unsigned call = 0; call < STAT_CALLS; call++) {
			bool taken = false;

			for (size_t i = 0; i < count; i++)
				taken |= chosen[i] == call;
			if (!taken && samples->last[call].calls > most) {
				most = samples->last[call].calls;
				best = call;
			}
		}
		if (!most)
			break;
		chosen[count++] = best;
	}
	return count;
}

static size_t colour_of(const unsigned *chosen, size_t count, unsigned call)
{
	for (size_t i = 0; i < count; i++)
		if (chosen[i] == call)
			return i;
	return COLOURS - 1;
}

static double rate_of(const struct stat_sample *sample)
{
	uint64_t calls = 0;

	for (size_t i = 0; i < sample->count; i++)
		calls += sample->deltas[i].calls;
	return (double)calls / (sample->to - sample->from);
}

static void put_sample(FILE *output, const struct stat_sample *sample, const unsigned *chosen, size_t count,
		       double elapsed, double most)
{
	double x = WIDTH * sample->from / elapsed, width = WIDTH * (sample->to - sample->from) / elapsed, y = HEIGHT;
	uint64_t calls[COLOURS] = { 0 };

	for (size_t i = 0; i < sample->count; i++)
		calls[colour_of(chosen, count, sample->deltas[i].call)] += sample->deltas[i].calls;
	for (size_t i = 0; i < COLOURS; i++) {
		double height = HEIGHT * (double)calls[i] / (sample->to - sample->from) / most;

		y -= height;
		if (calls[i])
			fprintf(output,
				"<rect class=\"c%zu\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>\n", i, x,
				y, width, height);
	}
}

static void put_axis(FILE *output, double elapsed, double y)
{
	for (int i = 0; i <= 4; i++) {
		fprintf(output, "<text class=\"axis\" x=\"%d\" y=\"%.0f\" text-anchor=\"%s\">", WIDTH * i / 4, y,
			i == 0 ? "start" : i == 4 ? "end" : "middle");
		put_seconds(output, elapsed * i / 4);
		fputs("</text>\n", output);
	}
}

static const char *program_of(const struct stat_process *process)
{
	const char *slash = process->program ? strrchr(process->program, '/') : NULL;

	return slash ? slash + 1 : process->program ? process->program : "?";
}

/* A bar for each process, from its begin to its last call. */
static void put_bars(FILE *output, const struct stat_page *page, double y)
{
	const struct stat_report *report = page->report;

	for (size_t i = 0; i < report->processes.count && i < MOST_PROCESSES; i++, y += BAR) {
		const struct stat_process *process = &report->processes.rows[i];
		double from = ((double)process->start - (double)report->start) * report->rate / 1e9;
		double to = ((double)process->last - (double)report->start) * report->rate / 1e9;
		double x = WIDTH * from / page->elapsed, width = WIDTH * (to - from) / page->elapsed;
		bool left = x > WIDTH * 0.7;

		fprintf(output, "<rect class=\"bar\" x=\"%.2f\" y=\"%.0f\" width=\"%.2f\" height=\"%d\"/>\n", x, y,
			width > 1 ? width : 1, BAR - 3);
		fprintf(output, "<text x=\"%.2f\" y=\"%.0f\" text-anchor=\"%s\">", left ? x - 4 : x + 4, y + BAR - 5,
			left ? "end" : "start");
		put_text(output, program_of(process));
		fprintf(output, " %d</text>\n", process->pid);
	}
}

static void put_legend(FILE *output, const unsigned *chosen, size_t count)
{
	char name[STAT_NAME];

	fputs("<p class=\"legend\">", output);
	for (size_t i = 0; i < COLOURS; i++) {
		if (i >= count && i != COLOURS - 1)
			continue;
		fprintf(output, "<span><svg viewBox=\"0 0 1 1\"><rect class=\"c%zu\" width=\"1\" height=\"1\"/></svg> ",
			i);
		if (i < count)
			stat_call_name(name, chosen[i]);
		put_text(output, i < count ? name : "others");
		fputs("</span>", output);
	}
	fputs("</p>\n", output);
}

static void put_timeline(FILE *output, const struct stat_page *page)
{
	const struct stat_samples *samples = page->samples;
	size_t bars = page->report->processes.count;
	unsigned chosen[COLOURS - 1];
	size_t count = choose_calls(samples, chosen);
	double most = 1;

	bars = bars < MOST_PROCESSES ? bars : MOST_PROCESSES;
	for (size_t i = 0; i < samples->count; i++)
		most = rate_of(&samples->rows[i]) > most ? rate_of(&samples->rows[i]) : most;
	fprintf(output, "<h2>Timeline</h2>\n<p>Calls per second, at most %.0f; below, the processes, from their begin "
			"to their last call%s.</p>\n", most,
		page->report->processes.count > bars ? " (the first ones)" : "");
	put_legend(output, chosen, count);
	fprintf(output, "<svg id=\"timeline\" viewBox=\"0 0 %d %zu\" role=\"img\">\n", WIDTH, HEIGHT + 24 + bars * BAR);
	for (size_t i = 0; i < samples->count; i++)
		put_sample(output, &samples->rows[i], chosen, count, page->elapsed, most);
	put_axis(output, page->elapsed, HEIGHT + 14);
	put_bars(output, page, HEIGHT + 22);
	fputs("</svg>\n", output);
}

/* --- the tables */

static void put_cell(FILE *output, double seconds)
{
	fputs("<td>", output);
	put_seconds(output, seconds);
	fputs("</td>", output);
}

static void put_share(FILE *output, double part, double whole)
{
	fprintf(output, "<td class=\"share\"><i style=\"width:%.1f%%\"></i></td>", whole > 0 ? 100 * part / whole : 0);
}

static void put_calls(FILE *output, const struct stat_report *report)
{
	fputs("<h2>Calls</h2>\n<table id=\"calls\">\n<tr><th class=\"name\">call</th><th></th><th>time</th>"
	      "<th>calls</th><th>errors</th><th>mean</th><th>p50</th><th>p99</th><th>max</th></tr>\n", output);
	for (size_t i = 0; i < report->count && i < MOST_CALLS; i++) {
		const struct stat_row *row = &report->rows[i];

		fputs("<tr><td class=\"name mono\">", output);
		put_text(output, row->name);
		fputs(row->arch == K23_CHANNEL_I386 ? " (i386)</td>" : "</td>", output);
		put_share(output, row->seconds, report->total.seconds);
		put_cell(output, row->seconds);
		fprintf(output, "<td>%llu</td><td>%llu</td>", (unsigned long long)row->count.calls,
			(unsigned long long)row->count.errors);
		put_cell(output, row->seconds / (double)row->count.calls);
		put_cell(output, row->p50);
		put_cell(output, row->p99);
		put_cell(output, row->max);
		fputs("</tr>\n", output);
	}
	fputs("</table>\n", output);
	if (report->count > MOST_CALLS)
		fprintf(output, "<p>and %zu more kinds of calls</p>\n", report->count - MOST_CALLS);
}

static void put_files(FILE *output, const struct stat_files *files, double rate)
{
	fputs("<h2>Files</h2>\n<table id=\"files\">\n<tr><th class=\"name\">named by calls</th><th>calls</th>"
	      "<th>errors</th><th>time</th></tr>\n", output);
	for (size_t i = 0; i < files->count && i < MOST_FILES; i++) {
		const struct stat_file *file = &files->rows[i];

		fputs("<tr><td class=\"name mono\">", output);
		put_text(output, file->path);
		fprintf(output, "</td><td>%llu</td><td>%llu</td>", (unsigned long long)file->calls,
			(unsigned long long)file->errors);
		put_cell(output, (double)file->cycles * rate / 1e9);
		fputs("</tr>\n", output);
	}
	fputs("</table>\n", output);
	if (files->count > MOST_FILES || files->unlisted)
		fprintf(output, "<p>and %zu more files, and %llu calls with others</p>\n",
			files->count > MOST_FILES ? files->count - MOST_FILES : 0, (unsigned long long)files->unlisted);
}

/* --- the tree of processes */

/* The parent's index: the newest process with its id that began before. */
static size_t parent_of(const struct stat_processes *processes, size_t child)
{
	for (size_t i = child; i-- > 0;)
		if (processes->rows[i].pid == processes->rows[child].parent)
			return i;
	return processes->count;
}

static void put_process(FILE *output, const struct stat_report *report, size_t i)
{
	const struct stat_process *process = &report->processes.rows[i];

	fputs("<span class=\"mono\">", output);
	put_text(output, process->program ? process->program : "?");
	fprintf(output, "</span> %d: %llu calls, %llu errors, ", process->pid,
		(unsigned long long)process->count.calls, (unsigned long long)process->count.errors);
	put_seconds(output, (double)process->count.cycles * report->rate / 1e9);
	fputs(", p50 ", output);
	put_seconds(output, (double)process->p50 * report->rate / 1e9);
	fputs(", p99 ", output);
	put_seconds(output, (double)process->p99 * report->rate / 1e9);
	if (process->threads > 1)
		fprintf(output, ", %u threads", process->threads);
}

/* Whoever has no parent here is a root. Children come behind their parents, so this ends. */
static void put_children(FILE *output, const struct stat_report *report, const size_t *parents, size_t parent)
{
	bool any = false;

	for (size_t i = parent < report->processes.count ? parent + 1 : 0; i < report->processes.count; i++) {
		if (parents[i] != parent)
			continue;
		fputs(any ? "<li>" : "<ul><li>", output);
		any = true;
		put_process(output, report, i);
		put_children(output, report, parents, i);
		fputs("</li>\n", output);
	}
	fputs(any ? "</ul>\n" : "", output);
}

static void put_tree(FILE *output, const struct stat_report *report)
{
	const struct stat_processes *processes = &report->processes;
	size_t *parents = calloc(processes->count + 1, sizeof(*parents));

	if (!parents)
		die(EXIT_K23, "out of memory");
	for (size_t i = 0; i < processes->count; i++)
		parents[i] = parent_of(processes, i);
	fputs("<h2>Processes</h2>\n<div id=\"processes\">\n", output);
	put_children(output, report, parents, processes->count);
	if (processes->unlisted)
		fprintf(output, "<p>and %llu threads for which there was no room</p>\n",
			(unsigned long long)processes->unlisted);
	fputs("</div>\n", output);
	free(parents);
}

void stat_html_write(FILE *output, const struct stat_page *page)
{
	put_head(output, page);
	put_timeline(output, page);
	put_calls(output, page->report);
	put_files(output, page->files, page->report->rate);
	put_tree(output, page->report);
	fputs("</body>\n</html>\n", output);
}
