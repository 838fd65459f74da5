/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LENSCAP_HOOK_H
#define _LENSCAP_HOOK_H

#include <linux/netfilter.h>

unsigned int lenscap_hook(void *priv, struct sk_buff *skb,
			  const struct nf_hook_state *state);

#endif /* _LENSCAP_HOOK_H */
