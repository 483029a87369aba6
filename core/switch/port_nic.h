// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The NIC of a port: opened, watched, lost, had again, closed.
#ifndef SWITCH_PORT_NIC_H
#define SWITCH_PORT_NIC_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/embed.h>

#include "nic/link_monitor.h"

struct nic;
struct port;
struct queue_pressure;
struct retired_nic;
struct weir;

// ---- port_nic.c
// Whether the port could have this NIC, without opening it.
int port_check_nic(const struct port *port, const char *spec, struct weir_error *error);
// Whether no other port has what the NIC would take. lost_too: those that look for theirs count as
// well.
int port_check_free(
	const struct port *port, const char *spec, bool lost_too, struct weir_error *error);
// What opening it would refuse, as far as can be told without; else what would be remarked.
int port_try_nic(
	const struct port *port, const char *spec, unsigned flags, struct weir_error *error);
int port_open_nic(struct port *port, const char *spec, unsigned flags, struct weir_error *error);
// Opens and puts in force.
int port_give_nic(struct port *port, const char *spec, unsigned flags, struct weir_error *error);
// Takes the NIC from the workers and closes it; the port stays, in `state`. -ENOMEM leaves it.
int port_take_nic(struct port *port, enum weir_port_state state, const char *reason);
// Closes the NIC after a grace period. The workers' lists are without it already (port->leaving).
void port_close_nic(struct port *port);
// The same for a NIC that has been taken off the port; returns the number of its ending.
uint64_t port_end_nic(struct port *port, struct nic *nic, struct retired_nic *retired);
uint64_t retired_nic_ending(const struct retired_nic *retired);
uint64_t port_nic_missed(const struct port *port);
// What a worker says when the NIC fails. worker: w once, control: r. The port has a NIC.
int *port_nic_error(const struct port *port);
// Of one of its queues. The queue's worker: rw. The port has a NIC.
struct queue_pressure *port_queue_pressure(const struct port *port, unsigned queue);

// ---- port_lost.c: NICs whose interface went away, and those that have it again
void port_links_changed(void *context, const struct link_change *change);
// Takes them from the ports for which a worker said that they failed.
void port_check_nics(struct weir *w);
void port_retry_lost(struct weir *w);
// The ending of this number is over: who waited for the interface, or the device, can have it.
void port_interface_free(struct weir *w, uint64_t ending);

#endif
