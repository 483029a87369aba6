// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "output.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "quantity.h"

static const struct column *find_column(const struct column *columns, const char *key)
{
	for (; columns && columns->key; columns++) {
		if (strcmp(columns->key, key) == 0)
			return columns;
	}
	return NULL;
}

static void put_time(FILE *out, double seconds)
{
	time_t time = (time_t)seconds;
	struct tm local;
	char text[32];

	if (seconds < 0 || seconds > 253402300799.0 || !localtime_r(&time, &local) ||
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local) == 0)
		fprintf(out, "%.0f", seconds);
	else
		fputs(text, out);
}

// The kinds of columns that quantity.h knows how to write, by the fields that are written so.
static const struct catalog_field quantities[] = {
	[COLUMN_BITS_PER_SECOND] = { .format = WEIR__SCHEMA__FORMAT__RATE,
		.unit = WEIR__SCHEMA__UNIT__BITS_PER_SECOND },
	[COLUMN_FRAMES_PER_SECOND] = { .format = WEIR__SCHEMA__FORMAT__RATE,
		.unit = WEIR__SCHEMA__UNIT__FRAMES_PER_SECOND },
	[COLUMN_BYTES] = { .format = WEIR__SCHEMA__FORMAT__SIZE },
};

static bool is_quantity(enum column_kind kind)
{
	return kind >= COLUMN_BITS_PER_SECOND;
}

static void put_array(FILE *out, const json_t *array, bool whole);

// whole: objects with all their keys; otherwise the first value, which names them.
static void put_value(FILE *out, const json_t *value, enum column_kind kind, bool whole)
{
	const char *key;
	json_t *member;
	size_t n = 0;

	if (json_is_number(value) && kind == COLUMN_TIME) {
		put_time(out, json_number_value(value));
	} else if (json_is_number(value) && kind == COLUMN_SHARE) {
		fprintf(out, "%.1f%%", 100 * json_number_value(value));
	} else if (json_is_string(value)) {
		ctl_put_text(out, json_string_value(value));
	} else if (json_is_integer(value) && is_quantity(kind)) {
		quantity_put(&quantities[kind], json_integer_value(value), out);
	} else if (json_is_integer(value)) {
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	} else if (json_is_real(value)) {
		fprintf(out, "%.*f", json_real_value(value) < 0x1p63 ? 2 : 0,
			json_real_value(value));
	} else if (json_is_boolean(value)) {
		fputs(json_is_true(value) ? "yes" : "no", out);
	} else if (json_is_array(value) && json_array_size(value) > 0) {
		put_array(out, value, whole);
	} else if (json_is_object(value)) {
		json_object_foreach((json_t *)value, key, member)
		{
			if (n > 0 && !whole)
				break;
			if (whole)
				fprintf(out, "%s%s=", n > 0 ? " " : "", key);
			put_value(out, member, COLUMN_PLAIN, whole);
			n++;
		}
	} else {
		fputc('-', out);
	}
}

static void put_array(FILE *out, const json_t *array, bool whole)
{
	const char *separator = json_is_object(json_array_get(array, 0)) && whole ? "; " : ",";

	for (size_t i = 0; i < json_array_size(array); i++) {
		fputs(i > 0 ? separator : "", out);
		put_value(out, json_array_get(array, i), COLUMN_PLAIN, whole);
	}
}

static bool has_value(const json_t *value)
{
	if (json_is_string(value))
		return json_string_length(value) > 0;
	return value && !json_is_null(value) &&
	       (!json_is_array(value) || json_array_size(value) > 0);
}

static int put_json(FILE *out, const json_t *json, size_t flags, struct ctl_error *error)
{
	if (json_dumpf(json, out, flags))
		return ctl_fail(error, CTL_REFUSED, "cannot write the output");
	fputc('\n', out);
	return 0;
}

// A table while it is made: the text of every cell, headings first, one behind the other.
struct table {
	char *text;
	size_t text_size;
	size_t *cells; // n_rows times n_columns: where in the text each begins
	size_t n_rows, n_columns;
	size_t *widths; // per column
	bool *right;    // per column: only numbers below the heading
};

static size_t width_of(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		columns += (*text & 0xc0) != 0x80;
	return columns;
}

static void put_heading(FILE *out, const char *key)
{
	for (const char *c = key; *c; c++)
		fputc(toupper((unsigned char)*c), out);
}

static void put_cell(FILE *out, const json_t *value, enum column_kind kind)
{
	if (has_value(value))
		put_value(out, value, kind, false);
	else
		fputc('-', out);
}

static void put_cells(
	struct table *table, FILE *out, const json_t *rows, const struct column *columns)
{
	size_t cell = 0;

	for (size_t r = 0; r < table->n_rows; r++) {
		const json_t *row = r > 0 ? json_array_get(rows, r - 1) : NULL;

		for (size_t c = 0; c < table->n_columns; c++) {
			const json_t *value = json_object_get(row, columns[c].key);

			table->cells[cell++] = (size_t)ftello(out);
			if (r == 0)
				put_heading(out, columns[c].key);
			else
				put_cell(out, value, columns[c].kind);
			fputc('\0', out);
			if (r > 0 && has_value(value) &&
				(!json_is_number(value) || columns[c].kind == COLUMN_TIME))
				table->right[c] = false;
		}
	}
}

static bool table_fill(struct table *table, const json_t *rows, const struct column *columns)
{
	FILE *out = open_memstream(&table->text, &table->text_size);

	if (!out)
		return false;
	for (size_t c = 0; c < table->n_columns; c++)
		table->right[c] = table->n_rows > 1;
	put_cells(table, out, rows, columns);
	if (fclose(out) != 0)
		return false;
	for (size_t i = 0; i < table->n_rows * table->n_columns; i++) {
		size_t width = width_of(table->text + table->cells[i]);
		size_t *widest = &table->widths[i % table->n_columns];

		*widest = width > *widest ? width : *widest;
	}
	return true;
}

static void put_spaces(FILE *out, size_t n)
{
	fprintf(out, "%*s", (int)n, "");
}

static void table_print(const struct table *table, FILE *out)
{
	for (size_t r = 0; r < table->n_rows; r++) {
		for (size_t c = 0; c < table->n_columns; c++) {
			const char *text = table->text + table->cells[r * table->n_columns + c];
			size_t padding = table->widths[c] - width_of(text);
			bool last = c + 1 == table->n_columns;

			put_spaces(out, table->right[c] ? padding : 0);
			fputs(text, out);
			put_spaces(out, last ? 0 : table->right[c] ? 2 : padding + 2);
		}
		fputc('\n', out);
	}
}

static void table_fini(struct table *table)
{
	free(table->text);
	free(table->cells);
	free(table->widths);
	free(table->right);
}

static bool is_shown(const json_t *rows, const struct column *column)
{
	if (column->kind != COLUMN_RARE && !is_quantity(column->kind))
		return true;
	for (size_t r = 0; r < json_array_size(rows); r++) {
		const json_t *value = json_object_get(json_array_get(rows, r), column->key);

		if (has_value(value) && !json_is_false(value) &&
			!(json_is_number(value) && json_number_value(value) == 0))
			return true;
	}
	return false;
}

static int put_table(
	FILE *out, const json_t *rows, const struct column *columns, struct ctl_error *error)
{
	struct table table = { .n_rows = json_array_size(rows) + 1 };
	size_t n_columns = 0;
	struct column *shown;
	int result = 0;

	for (const struct column *c = columns; c->key; c++)
		n_columns++;
	shown = calloc(n_columns + 1, sizeof(*shown));
	for (const struct column *c = columns; shown && c->key; c++) {
		if (is_shown(rows, c))
			shown[table.n_columns++] = *c;
	}
	table.cells = calloc(table.n_rows * n_columns + 1, sizeof(*table.cells));
	table.widths = calloc(n_columns + 1, sizeof(*table.widths));
	table.right = calloc(n_columns + 1, sizeof(*table.right));
	if (shown && table.cells && table.widths && table.right && table_fill(&table, rows, shown))
		table_print(&table, out);
	else
		result = ctl_fail_memory(error);
	table_fini(&table);
	free(shown);
	return result;
}

int output_rows(FILE *out, const json_t *rows, const struct column *columns, bool as_json,
	struct ctl_error *error)
{
	if (as_json)
		return put_json(out, rows, JSON_INDENT(2), error);
	return put_table(out, rows, columns, error);
}

int output_object(FILE *out, const json_t *object, const struct column *kinds, bool as_json,
	struct ctl_error *error)
{
	const char *key;
	json_t *value;
	size_t width = 0;

	if (as_json)
		return put_json(out, object, JSON_INDENT(2), error);
	json_object_foreach((json_t *)object, key, value)
	{
		if (strlen(key) > width)
			width = strlen(key);
	}
	json_object_foreach((json_t *)object, key, value)
	{
		const struct column *column = find_column(kinds, key);

		fprintf(out, "%-*s  ", (int)width, key);
		put_value(out, has_value(value) ? value : NULL,
			column ? column->kind : COLUMN_PLAIN, true);
		fputc('\n', out);
	}
	return 0;
}

int output_line(FILE *out, const json_t *object, const struct column *columns, bool as_json,
	struct ctl_error *error)
{
	bool begun = false;

	if (as_json)
		return put_json(out, object, JSON_COMPACT, error);
	for (; columns->key; columns++) {
		const json_t *value = json_object_get(object, columns->key);

		if (!has_value(value))
			continue;
		fputs(begun ? "  " : "", out);
		put_value(out, value, columns->kind, false);
		begun = true;
	}
	fputc('\n', out);
	return 0;
}
