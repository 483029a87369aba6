// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Extensions that the loader must load or refuse. Each module is compiled from this file with one
// VARIANT_ macro; without one it is a filter that nothing is wrong with.
#include <stdlib.h>

#ifdef VARIANT_longer
#define WEIR_NEEDS_MINOR (WEIR_ABI_MINOR - 1) // it is built against the next version
#endif
#include <weir/extension.h>

#if defined(VARIANT_messages) || defined(VARIANT_no_prepare)
#include "messages.schema.h"
#endif

// Tells the test that code of the file has run.
__attribute__((constructor)) static void tell(void)
{
	setenv("WEIR_LOADER_TEST_RAN", "1", 1);
}

__attribute__((unused)) static void decide(
	const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	if (flow->ip_proto == 6)
		weir_drop(d, 0);
}

__attribute__((unused)) static void visit(const void *state, struct weir_visit *v)
{
	(void)state;
	weir_visit_rekey(v, 0);
}

__attribute__((unused)) static int review(
	void *instance, const struct weir_event *event, struct weir_error *error)
{
	(void)instance;
	return event->kind == WEIR_EVENT_NIC_LOST ? weir_refuse(error, -1, NULL, "no") : 0;
}

#define TEXTS        .version = "1.0", .summary = "Decides for a test"
#define REASONS(...) .drop_reasons = WEIR_DROP_REASONS(__VA_ARGS__)
#define FILTER(...)  WEIR_EXTENSION("test", WEIR_CLASS_FILTER, __VA_ARGS__)

#if defined(VARIANT_newer)
FILTER(.version = "2.0", .summary = "Decides for a test", .ingress = decide);
#elif defined(VARIANT_longer)
static void newer(void *instance)
{
	(void)instance;
}
FILTER(TEXTS, .ingress = decide, .newer = newer);
#elif defined(VARIANT_minor_0)
#include "../../../extensions/small/minor_0.h"
MINOR_0_EXTENSION("test", WEIR_CLASS_FILTER, TEXTS, .ingress = decide);
#elif defined(VARIANT_other)
WEIR_EXTENSION("other", WEIR_CLASS_FILTER, TEXTS, .egress = decide);
#elif defined(VARIANT_capture)
WEIR_EXTENSION("test", WEIR_CLASS_CAPTURE, TEXTS, .ingress = decide, .egress = decide,
	.dropped = decide, .visit = visit);
#elif defined(VARIANT_forwarding)
WEIR_EXTENSION(
	"test", WEIR_CLASS_FORWARDING, TEXTS, .forward = decide, .visit = visit, .review = review);
#elif defined(VARIANT_service)
WEIR_EXTENSION("test", WEIR_CLASS_SERVICE, TEXTS, .review = review);
#elif defined(VARIANT_capture_forward)
WEIR_EXTENSION("test", WEIR_CLASS_CAPTURE, TEXTS, .forward = decide);
#elif defined(VARIANT_capture_forwarded)
WEIR_EXTENSION("test", WEIR_CLASS_CAPTURE, TEXTS, .forwarded = decide);
#elif defined(VARIANT_capture_review)
WEIR_EXTENSION("test", WEIR_CLASS_CAPTURE, TEXTS, .review = review);
#elif defined(VARIANT_filter_forward)
FILTER(TEXTS, .forward = decide);
#elif defined(VARIANT_filter_dropped)
FILTER(TEXTS, .dropped = decide);
#elif defined(VARIANT_forwarding_ingress)
WEIR_EXTENSION("test", WEIR_CLASS_FORWARDING, TEXTS, .ingress = decide);
#elif defined(VARIANT_forwarding_forwarded)
WEIR_EXTENSION("test", WEIR_CLASS_FORWARDING, TEXTS, .forwarded = decide);
#elif defined(VARIANT_forwarding_egress)
WEIR_EXTENSION("test", WEIR_CLASS_FORWARDING, TEXTS, .egress = decide);
#elif defined(VARIANT_forwarding_dropped)
WEIR_EXTENSION("test", WEIR_CLASS_FORWARDING, TEXTS, .dropped = decide);
#elif defined(VARIANT_service_ingress)
WEIR_EXTENSION("test", WEIR_CLASS_SERVICE, TEXTS, .ingress = decide);
#elif defined(VARIANT_service_forward)
WEIR_EXTENSION("test", WEIR_CLASS_SERVICE, TEXTS, .forward = decide);
#elif defined(VARIANT_service_forwarded)
WEIR_EXTENSION("test", WEIR_CLASS_SERVICE, TEXTS, .forwarded = decide);
#elif defined(VARIANT_service_egress)
WEIR_EXTENSION("test", WEIR_CLASS_SERVICE, TEXTS, .egress = decide);
#elif defined(VARIANT_service_dropped)
WEIR_EXTENSION("test", WEIR_CLASS_SERVICE, TEXTS, .dropped = decide);
#elif defined(VARIANT_service_visit)
WEIR_EXTENSION("test", WEIR_CLASS_SERVICE, TEXTS, .visit = visit);
#elif defined(VARIANT_no_version)
FILTER(.summary = "Decides for a test");
#elif defined(VARIANT_no_summary)
FILTER(.version = "1.0");
#elif defined(VARIANT_two_lines)
FILTER(.version = "1.0", .summary = "Decides\nfor a test");
#elif defined(VARIANT_not_text)
FILTER(.version = "1.0\xff", .summary = "Decides for a test");
#elif defined(VARIANT_bad_token)
FILTER(TEXTS, REASONS({ "No_Telnet", "text" }));
#elif defined(VARIANT_no_token)
FILTER(TEXTS, REASONS({ "one", "text" }, { NULL, "text" }));
#elif defined(VARIANT_same_token)
FILTER(TEXTS, REASONS({ "one", "text" }, { "two", "text" }, { "one", "text" }));
#elif defined(VARIANT_no_text)
FILTER(TEXTS, REASONS({ "one", NULL }));
#elif defined(VARIANT_garbage_schema)
FILTER(TEXTS, .schema = "no descriptor set", .schema_size = 17);
#elif defined(VARIANT_messages)
static int prepare(void *instance, const struct weir_target *target, struct weir_plan *plan,
	void **prepared, struct weir_error *error)
{
	(void)instance, (void)target, (void)plan, (void)prepared, (void)error;
	return 0;
}
FILTER(TEXTS, .schema = weir_schema, .schema_size = sizeof(weir_schema), .prepare = prepare);
#elif defined(VARIANT_no_prepare)
FILTER(TEXTS, .schema = weir_schema, .schema_size = sizeof(weir_schema));
#elif defined(VARIANT_undefined)
void weir_loader_test_undefined(void);
static void call(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	decide(state, flow, d);
	weir_loader_test_undefined();
}
FILTER(TEXTS, .ingress = call);
#elif defined(VARIANT_no_note)
__attribute__((visibility("default"))) const struct weir_extension weir_extension = {
	.size = sizeof(struct weir_extension),
	TEXTS,
};
#elif defined(VARIANT_two_notes)
FILTER(TEXTS, .ingress = decide);
__attribute__((section(".note.weir"), used, aligned(4))) static const struct weir_note second = {
	.name_size = 5,
	.desc_size = sizeof(struct weir_note) - offsetof(struct weir_note, magic),
	.type = WEIR_NOTE_TYPE,
	.owner = "Weir",
	.magic = WEIR_NOTE_MAGIC,
};
#elif defined(VARIANT_no_descriptor) || defined(VARIANT_no_name)
// The note is as WEIR_EXTENSION() makes it; the descriptor is missing, or forgets its name.
__attribute__((section(".note.weir"), used, aligned(4))) static const struct weir_note note = {
	.name_size = 5,
	.desc_size = sizeof(struct weir_note) - offsetof(struct weir_note, magic),
	.type = WEIR_NOTE_TYPE,
	.owner = "Weir",
	.magic = WEIR_NOTE_MAGIC,
	.abi_major = WEIR_ABI_MAJOR,
	.class = WEIR_CLASS_FILTER,
	.descriptor_size = sizeof(struct weir_extension),
	.name = "test",
};
#ifdef VARIANT_no_name
__attribute__((visibility("default"))) const struct weir_extension weir_extension = {
	.size = sizeof(struct weir_extension),
	.abi_major = WEIR_ABI_MAJOR,
	.class = WEIR_CLASS_FILTER,
	TEXTS,
};
#endif
#else
#ifdef VARIANT_textrel
// An address in the code section, as code has it that is not compiled with -fPIC.
__asm__(".pushsection .text\n"
	".balign 8\n"
	".quad weir_extension\n"
	".popsection\n");
#endif
#ifdef VARIANT_unique
// As C++ makes for variables of templates: the dynamic linker never unloads who defines one.
__asm__(".pushsection .data\n"
	".balign 8\n"
	".globl weir_loader_test_unique\n"
	".type weir_loader_test_unique, %gnu_unique_object\n"
	".size weir_loader_test_unique, 8\n"
	"weir_loader_test_unique: .quad weir_loader_test_unique\n"
	".popsection\n");
#endif
FILTER(TEXTS, .reads = WEIR_FIELD_IP_PROTO | WEIR_FIELD_L4_DST,
	REASONS({ "one", "first text" }, { "two", "second text" }), .ingress = decide,
	.forwarded = decide, .egress = decide, .visit = visit, .review = review);
#endif
