/* SPDX-License-Identifier: MIT */
/* numa.h - how nodes are numbered: densely from 0, whatever firmware calls
 * them. */
#pragma once

#define MAX_NUMNODES 8
#define NUMA_NO_NODE (-1)

/* Distances as ACPI has them: 10 is local, larger is further. */
#define LOCAL_DISTANCE	10
#define REMOTE_DISTANCE 20
