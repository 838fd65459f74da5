// SPDX-License-Identifier: GPL-2.0-only
#include "../tap.h"

TAP_MAIN
