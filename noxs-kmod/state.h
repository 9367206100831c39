/* SPDX-License-Identifier: GPL-2.0-only */
/* What the back-end does when the front-end's state changes. Also compiled in user space. */
#ifndef NOXS_STATE_H
#define NOXS_STATE_H

#include "noxs_abi.h"

enum noxs_action {
	NOXS_DO_NOTHING,
	NOXS_DO_CONNECT,	/* then Connected, or Closed with an error */
	NOXS_DO_CLOSING,	/* disconnect, then Closing */
	NOXS_DO_CLOSED,		/* disconnect, then Closed */
	NOXS_DO_INITWAIT,	/* disconnect, then InitWait */
	NOXS_DO_BREAK		/* not a state that a front-end may be in */
};

enum noxs_action noxs_state_next(uint32_t back, uint32_t front);

#endif
