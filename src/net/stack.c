/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lwip/err.h has an ERR_TIMEOUT of its own: base/err.h must not come in here, and does not by stack.h. */
#include "net/stack.h"

#include <lwip/init.h>
#include <lwip/ip4.h>
#include <lwip/ip4_frag.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

struct stack_conn {
    struct stack *stack;
    struct tcp_pcb *pcb;
    void *user;
    unsigned shard;
    size_t unread;      /* delivered and not yet consumed: closes the window */
    size_t unacked;     /* written and not yet acknowledged */
    bool inside;        /* lwIP is calling us for this connection */
    bool aborted, dead; /* to be done when lwIP's call returns */
};

struct stack {
    struct stack_handlers handlers;
    struct netif netif;
    struct tcp_pcb *listener;
    struct tcp_pcb *active[STACK_SHARDS], *waiting[STACK_SHARDS];
    unsigned shard; /* whose lists lwIP has now */
    unsigned ticks;
    struct stack_status status;
};

/* lwIP calls back without context in some places (accept, packet memory), and its state is global anyway. */
static struct stack *the_stack;

/* A packet inside lwIP: its memory is counted as long as lwIP holds it. */
struct packet {
    struct pbuf_custom custom;
    size_t n;
    uint8_t bytes[];
};

static unsigned enter(struct stack *s, unsigned shard)
{
    unsigned old = s->shard;

    if (shard != old) {
        s->active[old] = tcp_active_pcbs;
        s->waiting[old] = tcp_tw_pcbs;
        tcp_active_pcbs = s->active[shard];
        tcp_tw_pcbs = s->waiting[shard];
        s->shard = shard;
    }
    return old;
}

static unsigned shard_of(const struct stack_end *e)
{
    /* Chosen by a sample, yes; the worst it gets is one long list, as in lwIP itself. */
    uint64_t h = ((uint64_t)e->dst << 32 | (uint32_t)e->sport << 16 | e->dport) * 0x9e3779b97f4a7c15u ^ e->src;

    return (unsigned)((h * 0xff51afd7ed558ccdu >> 32) % STACK_SHARDS);
}

static void packet_free(struct pbuf *p)
{
    struct packet *k = (struct packet *)((char *)p - offsetof(struct packet, custom.pbuf));

    the_stack->status.held -= k->n;
    free(k);
}

static struct pbuf *packet_new(struct stack *s, const uint8_t *ip, size_t n)
{
    struct packet *k = malloc(sizeof(*k) + n);

    if (!k)
        return NULL;
    memcpy(k->bytes, ip, n);
    k->n = n;
    k->custom.custom_free_function = packet_free;
    s->status.held += n;
    return pbuf_alloced_custom(PBUF_RAW, (u16_t)n, PBUF_REF, &k->custom, k->bytes, (u16_t)n);
}

static err_t output(struct netif *n, struct pbuf *p, const ip4_addr_t *to)
{
    uint8_t flat[2048];
    struct stack *s = n->state;

    (void)to;
    if (p->tot_len > sizeof(flat) || pbuf_copy_partial(p, flat, p->tot_len, 0) != p->tot_len || p->tot_len < 20)
        return ERR_BUF;
    uint32_t src = (uint32_t)flat[12] << 24 | (uint32_t)flat[13] << 16 | (uint32_t)flat[14] << 8 | flat[15];
    s->handlers.packet(s->handlers.context, src, flat, p->tot_len);
    return ERR_OK;
}

static err_t netif_ready(struct netif *n)
{
    n->name[0] = 'b';
    n->name[1] = 'j';
    n->mtu = 1500;
    n->output = output;
    return ERR_OK;
}

/* ---- lwIP's callbacks ---- */

static void conn_free(struct stack_conn *c)
{
    c->stack->status.unsent_wait -= c->unacked;
    free(c);
}

/* After a handler ran inside a callback: does what had to wait. Returns what the callback must return. */
static err_t leave(struct stack_conn *c)
{
    struct tcp_pcb *pcb = c->pcb;
    bool aborted = c->aborted, dead = c->dead;

    c->inside = false;
    if (!dead)
        return ERR_OK;
    conn_free(c);
    if (!aborted)
        return ERR_OK;
    tcp_abort(pcb);
    return ERR_ABRT;
}

static err_t on_receive(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct stack_conn *c = arg;
    const struct stack_handlers *h = &c->stack->handlers;

    (void)err;
    (void)pcb;
    c->inside = true;
    if (!p) {
        h->finished(h->context, c->user);
        return leave(c);
    }
    c->unread += p->tot_len; /* all of it, also when the user closes after the first piece */
    for (struct pbuf *q = p; q && !c->dead; q = q->next) {
        h->data(h->context, c->user, q->payload, q->len);
    }
    pbuf_free(p);
    return leave(c);
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t n)
{
    struct stack_conn *c = arg;
    size_t acked = n < c->unacked ? n : c->unacked;

    (void)pcb;
    c->unacked -= acked;
    c->stack->status.unsent_wait -= acked;
    c->inside = true;
    c->stack->handlers.sent(c->stack->handlers.context, c->user);
    return leave(c);
}

static void on_error(void *arg, err_t err)
{
    struct stack_conn *c = arg;

    (void)err;
    if (!c)
        return;
    c->stack->handlers.gone(c->stack->handlers.context, c->user);
    conn_free(c);
}

static void detach(struct tcp_pcb *pcb)
{
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct stack *s = the_stack;

    (void)arg;
    if (err != ERR_OK || !pcb)
        return ERR_VAL;
    struct stack_conn *c = calloc(1, sizeof(*c));
    if (!c) {
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    c->stack = s;
    c->pcb = pcb;
    c->shard = s->shard;
    struct stack_end end = {.src = lwip_ntohl(ip_2_ip4(&pcb->remote_ip)->addr),
                            .dst = lwip_ntohl(ip_2_ip4(&pcb->local_ip)->addr),
                            .sport = pcb->remote_port,
                            .dport = pcb->local_port};
    tcp_arg(pcb, c);
    tcp_recv(pcb, on_receive);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_error);
    tcp_nagle_disable(pcb);
    c->inside = true;
    c->user = s->handlers.opened(s->handlers.context, c, &end);
    if (!c->user && !c->dead)
        stack_reset(c);
    return leave(c);
}

/* ---- the caller's side ---- */

int stack_new(const struct stack_handlers *h, uint32_t seed, struct stack **ret)
{
    static bool ready;
    ip4_addr_t any = {0}, first = {PP_HTONL(0x01000001)};

    if (the_stack)
        return -EBUSY;
    struct stack *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->handlers = *h;
    if (!ready)
        lwip_init();
    ready = true;
    /* Initial sequence numbers grow by this from connection to connection. */
    tcp_ticks = seed;
    if (!netif_add(&s->netif, &first, &any, &any, s, netif_ready, ip4_input))
        goto fail;
    netif_set_default(&s->netif);
    netif_set_link_up(&s->netif);
    netif_set_up(&s->netif);
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_V4);
    if (!pcb || tcp_bind(pcb, IP4_ADDR_ANY, 1) != ERR_OK) {
        netif_remove(&s->netif);
        goto fail;
    }
    s->listener = tcp_listen(pcb);
    if (!s->listener) {
        netif_remove(&s->netif);
        goto fail;
    }
    tcp_accept(s->listener, on_accept);
    the_stack = s;
    *ret = s;
    return 0;
fail:
    free(s);
    return -ENOMEM;
}

void stack_free(struct stack **ps)
{
    struct stack *s = *ps;

    if (!s)
        return;
    for (unsigned i = 0; i < STACK_SHARDS; i++) {
        enter(s, i);
        while (tcp_active_pcbs) {
            struct stack_conn *c = tcp_active_pcbs->callback_arg;
            detach(tcp_active_pcbs);
            tcp_abandon(tcp_active_pcbs, 0);
            if (c)
                conn_free(c);
        }
        while (tcp_tw_pcbs)
            tcp_abort(tcp_tw_pcbs);
    }
    /* The listener's port was overwritten: harmless for closing, which goes by pointer. */
    tcp_close(s->listener);
    netif_set_down(&s->netif);
    netif_remove(&s->netif);
    the_stack = NULL;
    free(s);
    *ps = NULL;
}

static bool is_end(const struct tcp_pcb *p, const struct stack_end *e)
{
    return p->remote_port == e->sport && p->local_port == e->dport &&
           ip_2_ip4(&p->remote_ip)->addr == lwip_htonl(e->src) && ip_2_ip4(&p->local_ip)->addr == lwip_htonl(e->dst);
}

/* Keeps the number of connections that nobody owns any more small, in the current shard. Lists are newest first. */
static void trim(struct stack *s)
{
    unsigned n = 0;
    struct tcp_pcb *last = NULL;

    for (struct tcp_pcb *p = tcp_active_pcbs; p; p = p->next)
        if (!p->callback_arg && p->state != SYN_RCVD) {
            n++;
            last = p;
        }
    if (n > STACK_LINGER) {
        tcp_abandon(last, 0);
        s->status.lingering_cut++;
    }
    n = 0;
    for (struct tcp_pcb *p = tcp_tw_pcbs; p; p = p->next) {
        n++;
        last = p;
    }
    if (n > STACK_LINGER)
        tcp_abort(last); /* in TIME-WAIT this is silent */
}

/* A new connection with the ends of one that only waits for stray packets: the old one is over. */
static void clear_waiting(const struct stack_end *e)
{
    for (struct tcp_pcb *p = tcp_tw_pcbs, *next; p; p = next) {
        next = p->next;
        if (is_end(p, e))
            tcp_abort(p);
    }
}

/* Too much is held: what waits out of order is let go (the guest sends it again). */
static void let_go(struct stack *s)
{
    for (unsigned i = 0; i < STACK_SHARDS; i++) {
        unsigned old = enter(s, i);
        for (struct tcp_pcb *p = tcp_active_pcbs; p; p = p->next)
            if (p->ooseq)
                tcp_free_ooseq(p);
        enter(s, old);
    }
}

void stack_input(struct stack *s, const uint8_t *ip, size_t n, const struct stack_end *end, bool is_syn)
{
    if (s->status.held + n > STACK_HELD_MAX) {
        let_go(s);
        if (s->status.held + n > STACK_HELD_MAX) {
            s->status.held_dropped++;
            return;
        }
    }
    unsigned old = enter(s, shard_of(end));
    if (is_syn) {
        clear_waiting(end);
        trim(s);
    }
    struct pbuf *p = packet_new(s, ip, n);
    if (p) {
        ip_2_ip4(&s->netif.ip_addr)->addr = lwip_htonl(end->dst);
        s->listener->local_port = end->dport;
        ip4_input(p, &s->netif);
    }
    enter(s, old);
}

size_t stack_reassemble(struct stack *s, const uint8_t *ip, size_t n, uint8_t *out, size_t max)
{
    struct pbuf *p = packet_new(s, ip, n);

    if (!p)
        return 0;
    p = ip4_reass(p);
    if (!p)
        return 0;
    size_t total = p->tot_len;
    if (total > max || pbuf_copy_partial(p, out, (u16_t)total, 0) != total)
        total = 0;
    pbuf_free(p);
    return total;
}

void stack_drop_half(struct stack *s, const struct stack_end *end)
{
    unsigned old = enter(s, shard_of(end));

    for (struct tcp_pcb *p = tcp_active_pcbs, *next; p; p = next) {
        next = p->next;
        if (p->state == SYN_RCVD && is_end(p, end))
            tcp_abandon(p, 0);
    }
    enter(s, old);
}

void stack_tick(struct stack *s)
{
    unsigned old = s->shard, calls = 0;
    u32_t ticks = tcp_ticks;
    bool slow = ++s->ticks & 1;

    for (unsigned i = 0; i < STACK_SHARDS; i++) {
        enter(s, i);
        if (!tcp_active_pcbs && !tcp_tw_pcbs)
            continue;
        tcp_fasttmr();
        calls++;
        if (slow) {
            tcp_ticks = ticks;
            tcp_slowtmr();
            calls++;
        }
    }
    enter(s, old);
    if (slow) {
        tcp_ticks = ticks + 1;
        if (s->ticks % 4 == 1)
            ip_reass_tmr();
    }
    /* lwIP marks a connection as done by an 8-bit count of calls: a round of a multiple of 256 would skip all. */
    if (calls && calls % 256 == 0) {
        struct tcp_pcb *active = tcp_active_pcbs;
        tcp_active_pcbs = NULL;
        tcp_fasttmr();
        tcp_active_pcbs = active;
    }
}

size_t stack_write(struct stack_conn *c, const void *p, size_t n)
{
    size_t room = tcp_sndbuf(c->pcb), part = n < room ? n : room;

    if (c->dead || !part)
        return 0;
    if (tcp_write(c->pcb, p, (u16_t)(part > 0xffff ? 0xffff : part), TCP_WRITE_FLAG_COPY) != ERR_OK)
        return 0;
    part = part > 0xffff ? 0xffff : part;
    c->unacked += part;
    c->stack->status.unsent_wait += part;
    return part;
}

void stack_push(struct stack_conn *c)
{
    if (c->dead)
        return;
    unsigned old = enter(c->stack, c->shard);
    tcp_output(c->pcb);
    enter(c->stack, old);
}

void stack_consumed(struct stack_conn *c, size_t n)
{
    if (c->dead)
        return;
    if (n > c->unread)
        n = c->unread;
    c->unread -= n;
    unsigned old = enter(c->stack, c->shard);
    for (; n; n -= n > 0xffff ? 0xffff : n)
        tcp_recved(c->pcb, (u16_t)(n > 0xffff ? 0xffff : n));
    enter(c->stack, old);
}

static void finish(struct stack_conn *c, bool reset)
{
    struct stack *s = c->stack;
    unsigned old = enter(s, c->shard);

    if (c->dead) {
        enter(s, old);
        return;
    }
    if (!reset)
        stack_consumed(c, c->unread); /* with unread data lwIP would reset instead of closing */
    detach(c->pcb);
    c->dead = true;
    c->aborted = reset || tcp_close(c->pcb) != ERR_OK;
    if (!c->inside) {
        if (c->aborted)
            tcp_abort(c->pcb);
        conn_free(c);
    }
    trim(s);
    enter(s, old);
}

void stack_close(struct stack_conn *c)
{
    finish(c, false);
}

void stack_reset(struct stack_conn *c)
{
    finish(c, true);
}

const struct stack_status *stack_get_status(const struct stack *s)
{
    return &s->status;
}
