/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The skeleton that bpftool makes of afxfw.bpf.c, after the types it uses but
 * does not define. For C++. */
#pragma once

#include "afxfw_abi.h"
#include "afxfw.skel.h"
