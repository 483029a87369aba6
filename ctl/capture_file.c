// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "capture_file.h"

#include <inttypes.h>
#include <string.h>
#include <pcap/pcap.h>

#include "input.h"

static int take(const char *path, uint64_t number, const struct pcap_pkthdr *header,
	const uint8_t *bytes, struct packet *packet, struct ctl_error *error)
{
	if (header->len > PACKET_MAX || header->caplen > header->len || header->caplen == 0)
		return ctl_fail(error, CTL_REFUSED,
			"%s: frame %" PRIu64 " has %u bytes: must have 1 to %d", path, number,
			header->len, PACKET_MAX);
	if (header->caplen < header->len && header->caplen < CAPTURE_FILE_LEAST)
		return ctl_fail(error, CTL_REFUSED,
			"%s: of the %u bytes of frame %" PRIu64 " the file has %u: must have %d",
			path, header->len, number, header->caplen, CAPTURE_FILE_LEAST);
	packet->src.address = packet->dst.address = PACKET_GIVEN;
	packet->size = header->len;
	memcpy(packet->bytes, bytes, header->caplen);
	memset(packet->bytes + header->caplen, 0, header->len - header->caplen);
	return 0;
}

static int find(const char *path, uint64_t number, pcap_t *file, struct packet *packet,
	struct ctl_error *error)
{
	struct pcap_pkthdr *header;
	const uint8_t *bytes;
	uint64_t at = 0;
	int found = 1;

	if (pcap_datalink(file) != DLT_EN10MB)
		return ctl_fail(error, CTL_REFUSED, "%s: must hold Ethernet frames", path);
	while (at < number && (found = pcap_next_ex(file, &header, &bytes)) == 1)
		at++;
	if (found == 1)
		return take(path, number, header, bytes, packet, error);
	if (found == PCAP_ERROR_BREAK)
		return ctl_fail(error, CTL_REFUSED,
			"%s: has no frame %" PRIu64 ": must be 1 to %" PRIu64, path, number, at);
	return ctl_fail(
		error, CTL_REFUSED, "%s: frame %" PRIu64 ": %s", path, at + 1, pcap_geterr(file));
}

int capture_file_read(
	const char *path, uint64_t number, struct packet *packet, struct ctl_error *error)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	FILE *stream;
	pcap_t *file;
	int result = input_stream(path, &stream, error);

	if (result)
		return result;
	file = pcap_fopen_offline(stream, why);
	if (!file) {
		fclose(stream);
		return ctl_fail(error, CTL_REFUSED, "%s: %s", path, why);
	}
	result = find(path, number, file, packet, error);
	pcap_close(file); // and the stream
	return result;
}
