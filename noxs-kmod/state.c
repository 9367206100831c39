// SPDX-License-Identifier: GPL-2.0-only
/* What the back-end does when the front-end's state changes. */
#include "state.h"

enum noxs_action noxs_state_next(uint32_t back, uint32_t front)
{
	switch (front) {
	case NOXS_STATE_UNKNOWN:
	case NOXS_STATE_INITIALISING:
		return back == NOXS_STATE_INITWAIT ? NOXS_DO_NOTHING : NOXS_DO_INITWAIT;
	case NOXS_STATE_CONNECTED:
		return back == NOXS_STATE_INITWAIT ? NOXS_DO_CONNECT : NOXS_DO_NOTHING;
	case NOXS_STATE_CLOSING:
		return back == NOXS_STATE_CLOSING || back == NOXS_STATE_CLOSED ?
			NOXS_DO_NOTHING : NOXS_DO_CLOSING;
	case NOXS_STATE_CLOSED:
		return back == NOXS_STATE_CLOSED ? NOXS_DO_NOTHING : NOXS_DO_CLOSED;
	default:
		return NOXS_DO_BREAK;
	}
}
