/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sockets. Addresses are read where the kernel holds its own copy, ports after the kernel has chosen them. */

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define MSG_PEEK 2
#define SOCK_DONE 1 /* a FIN was received */
#define TCP_LISTEN 10

struct address {
    u16 family;
    u16 port; /* host order */
    u8 ip[16];
};

/* Payload of datagram sockets; tcp counts its own. Key: address of the struct sock. */
struct traffic {
    u64 sent, received;
    struct address peer;
};
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 8192);
    __type(key, u64);
    __type(value, struct traffic);
} traffics SEC(".maps");

static __noinline void put_address(struct record *r, const struct address *a)
{
    RECORD_AT(r, off);
    if (a->family == AF_INET6) {
        r->data[off] = TAG_ADDR6;
        __builtin_memcpy(&r->data[off + 1], a->ip, 16);
        r->h.length = off + 17;
    } else if (a->family == AF_INET) {
        r->data[off] = TAG_ADDR4;
        __builtin_memcpy(&r->data[off + 1], a->ip, 4);
        r->h.length = off + 5;
    } else {
        u16 none = 0;
        r->data[off] = TAG_STR;
        __builtin_memcpy(&r->data[off + 1], &none, 2);
        r->h.length = off + 3;
    }
    r->h.count++;
    put_u64(r, a->port);
}

/* The path of a unix address, as given (length: of the whole sockaddr_un). */
static __noinline void put_unix(struct record *r, const void *sockaddr, u32 length)
{
    RECORD_AT(r, off);
    u32 n = length > 2 ? length - 2 : 0;
    if (n > 108)
        n = 108;
    barrier_var(n);
    n &= 127;
    r->data[off] = TAG_UNIX;
    r->data[off + 1] = n;
    bpf_probe_read_kernel(&r->data[off + 2], n, (void *)((u64)sockaddr + 2));
    r->h.length = off + 2 + n;
    r->h.count++;
    put_u64(r, 0);
}

/* From a sockaddr in kernel memory. */
static __always_inline bool address_read(struct address *a, u64 sockaddr)
{
    u16 port = 0;

    __builtin_memset(a, 0, sizeof(*a));
    bpf_probe_read_kernel(&a->family, 2, (void *)sockaddr);
    bpf_probe_read_kernel(&port, 2, (void *)(sockaddr + 2));
    a->port = bpf_ntohs(port);
    if (a->family == AF_INET)
        bpf_probe_read_kernel(a->ip, 4, (void *)(sockaddr + 4));
    else if (a->family == AF_INET6)
        bpf_probe_read_kernel(a->ip, 16, (void *)(sockaddr + 8));
    else
        return false;
    return true;
}

static __always_inline void address_own(struct address *a, struct sock *sk)
{
    __builtin_memset(a, 0, sizeof(*a));
    a->family = sk->__sk_common.skc_family;
    a->port = bpf_ntohs(VIEW(inet_sock, sk)->inet_sport); /* skc_num is gone when the port was given back */
    if (!a->port)
        a->port = sk->__sk_common.skc_num;
    if (a->family == AF_INET6)
        bpf_probe_read_kernel(a->ip, 16, &sk->__sk_common.skc_v6_rcv_saddr);
    else {
        u32 ip = sk->__sk_common.skc_rcv_saddr;
        __builtin_memcpy(a->ip, &ip, 4);
    }
}

static __always_inline void address_peer(struct address *a, struct sock *sk)
{
    __builtin_memset(a, 0, sizeof(*a));
    a->family = sk->__sk_common.skc_family;
    a->port = bpf_ntohs(sk->__sk_common.skc_dport);
    if (a->family == AF_INET6)
        bpf_probe_read_kernel(a->ip, 16, &sk->__sk_common.skc_v6_daddr);
    else {
        u32 ip = sk->__sk_common.skc_daddr;
        __builtin_memcpy(a->ip, &ip, 4);
    }
}

static __always_inline bool sock_is_inet(struct sock *sk)
{
    u16 f = sk->__sk_common.skc_family;
    return f == AF_INET || f == AF_INET6;
}

SEC("fexit/security_socket_post_create")
int BPF_PROG(on_socket, struct socket *sock, int family, int type, int protocol, int kern, int ret)
{
    if (kern || ret)
        return 0;
    type &= 0xf;
    if (family == AF_UNIX || ((family == AF_INET || family == AF_INET6) && type != SOCK_RAW))
        return 0;
    /* netlink: route, kobject events and generic are everyday life */
    if (family == AF_NETLINK && (protocol == 0 || protocol == 15 || protocol == 16))
        return 0;
    struct record *r = record_begin(EVENT_NET_SOCKET);
    if (!r)
        return 0;
    put_name(r, NAME_FAMILY, family);
    put_name(r, NAME_SOCKTYPE, type);
    put_u64(r, protocol);
    return record_end(r);
}

static __noinline int inet_bound(struct sock *sk, u32 kind)
{
    struct address a;
    struct record *r = record_begin(kind);
    if (!r)
        return 0;
    put_name(r, NAME_PROTOCOL, sk->sk_protocol);
    address_own(&a, sk);
    put_address(r, &a);
    return record_end(r);
}

SEC("fexit/inet_bind")
int BPF_PROG(on_inet_bind, struct socket *sock, void *addr, int len, int ret)
{
    return ret ? 0 : inet_bound(sock->sk, EVENT_NET_BIND);
}
SEC("fexit/inet6_bind")
int BPF_PROG(on_inet6_bind, struct socket *sock, void *addr, int len, int ret)
{
    return ret ? 0 : inet_bound(sock->sk, EVENT_NET_BIND);
}
SEC("fexit/inet_listen")
int BPF_PROG(on_inet_listen, struct socket *sock, int backlog, int ret)
{
    return ret ? 0 : inet_bound(sock->sk, EVENT_NET_LISTEN);
}

SEC("fexit/unix_bind")
int BPF_PROG(on_unix_bind, struct socket *sock, struct sockaddr *addr, int len, int ret)
{
    if (ret || len <= 2) /* 2: the kernel chooses a name */
        return 0;
    struct record *r = record_begin(EVENT_NET_BIND);
    if (!r)
        return 0;
    put_name(r, NAME_PROTOCOL, PROTOCOL_UNIX);
    put_unix(r, addr, len);
    return record_end(r);
}

SEC("fexit/unix_listen")
int BPF_PROG(on_unix_listen, struct socket *sock, int backlog, int ret)
{
    if (ret)
        return 0;
    struct record *r = record_begin(EVENT_NET_LISTEN);
    if (!r)
        return 0;
    put_name(r, NAME_PROTOCOL, PROTOCOL_UNIX);
    put_str(r, NULL); /* its net.bind says where */
    put_u64(r, 0);
    return record_end(r);
}

SEC("fexit/inet_accept")
int BPF_PROG(on_accept, struct socket *sock, struct socket *new, void *arg, int ret)
{
    struct address a;

    if (ret)
        return 0;
    struct sock *sk = new->sk;
    struct record *r = record_begin(EVENT_NET_ACCEPT);
    if (!r)
        return 0;
    put_name(r, NAME_PROTOCOL, sk->sk_protocol);
    address_own(&a, sk);
    put_address(r, &a);
    address_peer(&a, sk);
    put_address(r, &a);
    return record_end(r);
}

static __noinline int connected(struct sock *sk, const struct address *peer)
{
    struct address own;
    struct record *r = record_begin(EVENT_NET_CONNECT);
    if (!r)
        return 0;
    put_name(r, NAME_PROTOCOL, sk->sk_protocol);
    put_address(r, peer);
    address_own(&own, sk);
    put_address(r, &own);
    return record_end(r);
}

/* These two only send the SYN: the port is chosen, and nothing has been waited for. */
SEC("fexit/tcp_v4_connect")
int BPF_PROG(on_tcp4, struct sock *sk, struct sockaddr *addr, int len, int ret)
{
    struct address a;
    /* an IPv6 socket with a mapped address comes back through tcp_v6_connect */
    if (sk->__sk_common.skc_family != AF_INET || !address_read(&a, (u64)addr))
        return 0;
    return connected(sk, &a);
}
SEC("fexit/tcp_v6_connect")
int BPF_PROG(on_tcp6, struct sock *sk, struct sockaddr *addr, int len, int ret)
{
    struct address a;
    return address_read(&a, (u64)addr) ? connected(sk, &a) : 0;
}

/* udp, raw and ping sockets. Port 0 is what the resolver does to sort addresses; no packet follows. */
static __noinline int datagram_connected(struct sock *sk, u64 addr, int ret)
{
    struct address a;
    if (ret || !address_read(&a, addr) || (!a.port && sk->sk_protocol == IPPROTO_UDP))
        return 0;
    return connected(sk, &a);
}
SEC("fexit/ip4_datagram_connect")
int BPF_PROG(on_dgram4, struct sock *sk, struct sockaddr *addr, int len, int ret)
{
    return datagram_connected(sk, (u64)addr, ret);
}
SEC("fexit/ip6_datagram_connect")
int BPF_PROG(on_dgram6, struct sock *sk, struct sockaddr *addr, int len, int ret)
{
    return datagram_connected(sk, (u64)addr, ret);
}

static __noinline int unix_connected(const void *addr, int len, int ret)
{
    struct address none = {};
    if (ret)
        return 0;
    struct record *r = record_begin(EVENT_NET_CONNECT);
    if (!r)
        return 0;
    put_name(r, NAME_PROTOCOL, PROTOCOL_UNIX);
    put_unix(r, addr, len);
    put_address(r, &none);
    return record_end(r);
}
SEC("fexit/unix_stream_connect")
int BPF_PROG(on_unix_stream, struct socket *sock, struct sockaddr *addr, int len, int flags, int ret)
{
    return unix_connected(addr, len, ret);
}
SEC("fexit/unix_dgram_connect")
int BPF_PROG(on_unix_dgram, struct socket *sock, struct sockaddr *addr, int len, int flags, int ret)
{
    return unix_connected(addr, len, ret);
}

/* ---- payload ------------------------------------------------------------------------- */

static __noinline struct traffic *traffic_of(struct sock *sk)
{
    u64 key = (u64)sk;
    struct traffic *t = bpf_map_lookup_elem(&traffics, &key);
    if (t)
        return t;
    struct traffic fresh = {};
    bpf_map_update_elem(&traffics, &key, &fresh, BPF_NOEXIST);
    return bpf_map_lookup_elem(&traffics, &key);
}

static __noinline int datagram_sent(struct sock *sk, struct msghdr *msg, int ret)
{
    struct address a;

    if (ret < 0 || !sock_is_inet(sk))
        return 0;
    if (bpf_get_current_task_btf()->flags & PF_KTHREAD)
        return 0;
    struct traffic *t = traffic_of(sk);
    if (t)
        __sync_fetch_and_add(&t->sent, ret);
    u64 name = (u64)msg->msg_name;
    if (!name || !address_read(&a, name))
        return 0; /* connected: told by connect */
    u64 low, high;
    __builtin_memcpy(&low, a.ip, 8);
    __builtin_memcpy(&high, a.ip + 8, 8);
    if (t && t->peer.port == a.port && !__builtin_memcmp(t->peer.ip, a.ip, 16))
        return 0;
    if (t)
        t->peer = a;
    if (!seen_first(EVENT_NET_CONNECT, (u64)sk, (low * 31 + high) ^ ((u64)a.port << 48)))
        return 0;
    return connected(sk, &a);
}

#define ON_SEND(fn)                                                                                                    \
    SEC("fexit/" #fn)                                                                                                  \
    int BPF_PROG(on_##fn, struct sock *sk, struct msghdr *msg, u64 len, int ret)                                       \
    {                                                                                                                  \
        return datagram_sent(sk, msg, ret);                                                                            \
    }
ON_SEND(udp_sendmsg)
ON_SEND(udpv6_sendmsg)
ON_SEND(raw_sendmsg)
ON_SEND(rawv6_sendmsg)
ON_SEND(ping_v4_sendmsg)

#define ON_RECEIVE(fn)                                                                                                 \
    SEC("fexit/" #fn)                                                                                                  \
    int BPF_PROG(on_##fn, struct sock *sk, struct msghdr *msg, u64 len, int flags, int *addr_len, int ret)             \
    {                                                                                                                  \
        if (ret <= 0 || (flags & MSG_PEEK))                                                                            \
            return 0;                                                                                                  \
        struct traffic *t = traffic_of(sk);                                                                            \
        if (t)                                                                                                         \
            __sync_fetch_and_add(&t->received, ret);                                                                   \
        return 0;                                                                                                      \
    }
ON_RECEIVE(udp_recvmsg)
ON_RECEIVE(udpv6_recvmsg)

static __always_inline void traffic_tcp(struct sock *sk, u64 *sent, u64 *received)
{
    struct tcp_sock *tp = VIEW(tcp_sock, sk);
    *sent = tp->bytes_sent - tp->bytes_retrans + (u32)(tp->write_seq - tp->snd_nxt);
    *received = tp->bytes_received;
    if ((sk->__sk_common.skc_flags & (1ul << SOCK_DONE)) && *received)
        (*received)--; /* the peer's FIN counts as one byte */
}

/* Last close of an inet socket, both families. */
SEC("fentry/inet_release")
int BPF_PROG(on_release, struct socket *sock)
{
    struct sock *sk = sock->sk;
    struct address a;
    u64 sent = 0, received = 0;

    if (!sk)
        return 0;
    u16 protocol = sk->sk_protocol;
    address_peer(&a, sk);
    if (sock->type == SOCK_STREAM && protocol == IPPROTO_TCP) {
        if (sk->__sk_common.skc_state == TCP_LISTEN || !a.port)
            return 0;
        traffic_tcp(sk, &sent, &received);
    } else {
        u64 key = (u64)sk;
        struct traffic *t = bpf_map_lookup_elem(&traffics, &key);
        if (!t)
            return 0;
        sent = t->sent;
        received = t->received;
        if (!a.port)
            a = t->peer;
        bpf_map_delete_elem(&traffics, &key);
        if (!sent && !received)
            return 0;
    }
    struct record *r = record_begin(EVENT_NET_TRAFFIC);
    if (!r)
        return 0;
    struct address own;
    put_name(r, NAME_PROTOCOL, protocol);
    address_own(&own, sk);
    put_address(r, &own);
    put_address(r, &a);
    put_u64(r, sent);
    put_u64(r, received);
    return record_end(r);
}
