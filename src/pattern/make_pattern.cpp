// SPDX-License-Identifier: MPL-2.0
#include "pattern/make_pattern.hpp"

#include "pattern/dealer.hpp"
#include "pattern/pair.hpp"
#include "pattern/pub.hpp"
#include "pattern/pull.hpp"
#include "pattern/push.hpp"
#include "pattern/rep.hpp"
#include "pattern/req.hpp"
#include "pattern/router.hpp"
#include "pattern/stream.hpp"
#include "pattern/sub.hpp"
#include "pattern/xpub.hpp"
#include "pattern/xsub.hpp"

#include <new>
#include <utility>

namespace slk::pattern {

namespace {

/// Null when memory is exhausted.
pub* whole(pub* made) noexcept
{
    if (made == nullptr || made->complete())
        return made;
    delete made;
    return nullptr;
}

} // namespace

std::unique_ptr<pattern> make_pattern(zmtp::socket_type type, std::uint64_t random,
                                      const std::shared_ptr<memory_budget>& budget) noexcept
{
    using enum zmtp::socket_type;
    pattern* made = nullptr;
    switch (type) {
    case zmtp::socket_type::pair: made = new (std::nothrow) class pair; break;
    case zmtp::socket_type::push: made = new (std::nothrow) class push; break;
    case zmtp::socket_type::pull: made = new (std::nothrow) class pull; break;
    case zmtp::socket_type::dealer: made = new (std::nothrow) class dealer; break;
    case zmtp::socket_type::router:
        made = new (std::nothrow) class router(static_cast<std::uint32_t>(random));
        break;
    case zmtp::socket_type::pub: made = whole(new (std::nothrow) class pub(random, budget)); break;
    case zmtp::socket_type::xpub:
        made = whole(new (std::nothrow) class xpub(random, budget));
        break;
    case zmtp::socket_type::sub:
    case zmtp::socket_type::xsub:
        if (auto topics = reference<topic_book>::adopt(new (std::nothrow) topic_book(random)))
            made = type == zmtp::socket_type::sub
                       ? static_cast<pattern*>(new (std::nothrow) class sub(std::move(topics)))
                       : new (std::nothrow) class xsub(std::move(topics));
        break;
    case zmtp::socket_type::req:
        made = new (std::nothrow) class req(static_cast<std::uint32_t>(random));
        break;
    case zmtp::socket_type::rep: made = new (std::nothrow) class rep; break;
    case zmtp::socket_type::stream:
        made = new (std::nothrow) class stream(static_cast<std::uint32_t>(random));
        break;
    }
    return std::unique_ptr<pattern>(made);
}

namespace {

/// What is ZMTP's, or has another limit.
result<void> check_options_of_stream(const socket_options& options)
{
    const socket_options defaults;
    const auto not_for_stream = [](const char* detail) {
        return fail(errc::invalid_argument, phase::setup, detail);
    };
    const security_options& security = options.security;
    if (security.mechanism != security_mechanism::null || !security.zap_domain.empty() ||
        security.authenticator)
        return not_for_stream("security is not for a STREAM");
    if (!options.routing_id.empty())
        return not_for_stream("routing_id is not for a STREAM");
    if (!options.properties.empty())
        return not_for_stream("properties are not for a STREAM");
    if (options.accept_zmtp_2_0)
        return not_for_stream("accept_zmtp_2_0 is not for a STREAM");
    if (options.on_reconnect != defaults.on_reconnect)
        return not_for_stream("on_reconnect is not for a STREAM");
    if (options.stalled_timeout != defaults.stalled_timeout)
        return not_for_stream("stalled_timeout is not for a STREAM");
    if (options.handshake_timeout != defaults.handshake_timeout)
        return not_for_stream("handshake_timeout is not for a STREAM");
    if (options.max_message_size != defaults.max_message_size)
        return not_for_stream("max_message_size is not for a STREAM, which has max_chunk_size");
    if (options.max_message_parts != defaults.max_message_parts)
        return not_for_stream("max_message_parts is not for a STREAM");
    if (options.max_part_size != defaults.max_part_size)
        return not_for_stream("max_part_size is not for a STREAM, which has max_chunk_size");
    if (options.max_handshake_size != defaults.max_handshake_size)
        return not_for_stream("max_handshake_size is not for a STREAM");
    if (options.max_metadata_size != defaults.max_metadata_size)
        return not_for_stream("max_metadata_size is not for a STREAM");
    return {};
}

} // namespace

result<void> check_options(zmtp::socket_type type, const socket_options& options)
{
    using enum zmtp::socket_type;
    const auto not_for_type = [](const char* detail) {
        return fail(errc::invalid_argument, phase::setup, detail);
    };
    if (options.conflate && type != push && type != pull && type != dealer &&
        type != zmtp::socket_type::pub && type != zmtp::socket_type::sub)
        return not_for_type("conflate is not for this type of socket");
    const bool may_send = type != zmtp::socket_type::pull && type != zmtp::socket_type::sub &&
                          type != zmtp::socket_type::xsub && type != zmtp::socket_type::stream;
    if (options.expires_after != duration::zero() && !may_send)
        return not_for_type("expires_after is not for this type of socket");
    if (options.probe_router && type != dealer && type != zmtp::socket_type::router &&
        type != zmtp::socket_type::req)
        return not_for_type("probe_router is not for this type of socket");
    const socket_options defaults;
    if (!zmtp::is_publisher(type)) {
        if (options.max_topic_size != defaults.max_topic_size)
            return not_for_type("max_topic_size is for a PUB or XPUB");
        if (options.max_subscriptions != defaults.max_subscriptions)
            return not_for_type("max_subscriptions is for a PUB or XPUB");
        if (options.max_subscription_bytes != defaults.max_subscription_bytes)
            return not_for_type("max_subscription_bytes is for a PUB or XPUB");
        if (options.max_topic_lengths != defaults.max_topic_lengths)
            return not_for_type("max_topic_lengths is for a PUB or XPUB");
        if (options.no_drop)
            return not_for_type("no_drop is for a PUB or XPUB");
        if (!options.welcome_message.empty())
            return not_for_type("welcome_message is for a PUB or XPUB");
        if (options.invert_matching && type != zmtp::socket_type::sub)
            return not_for_type("invert_matching is for a PUB, XPUB or SUB");
        if (options.only_first_subscribe && type != zmtp::socket_type::xsub)
            return not_for_type("only_first_subscribe is for a PUB, XPUB or XSUB");
    }
    if (type != zmtp::socket_type::xpub) {
        if (options.verbose)
            return not_for_type("verbose is for an XPUB");
        if (options.verboser)
            return not_for_type("verboser is for an XPUB");
        if (options.manual || options.manual_last_value)
            return not_for_type("manual is for an XPUB");
        if (!options.holds_back_requests)
            return not_for_type("holds_back_requests is for an XPUB");
    }
    if (options.patterns_subscribe_all && type != zmtp::socket_type::sub &&
        type != zmtp::socket_type::xsub)
        return not_for_type("patterns_subscribe_all is for a SUB or XSUB");
    if (options.verbose_unsubscribe && type != zmtp::socket_type::xsub)
        return not_for_type("verbose_unsubscribe is for an XSUB");
    if (type != zmtp::socket_type::req) {
        if (options.relaxed)
            return not_for_type("relaxed is for a REQ");
        if (options.correlate)
            return not_for_type("correlate is for a REQ");
    }
    if (type == zmtp::socket_type::stream) {
        SLK_TRY(check_options_of_stream(options));
    } else {
        if (!options.stream_notices)
            return not_for_type("stream_notices is for a STREAM");
        if (options.max_chunk_size != defaults.max_chunk_size)
            return not_for_type("max_chunk_size is for a STREAM");
    }
    if (type == zmtp::socket_type::router)
        return {};
    if (options.handover)
        return not_for_type("handover is for a ROUTER");
    if (options.mute_duplicates)
        return not_for_type("mute_duplicates is for a ROUTER");
    if (options.notify_connect)
        return not_for_type("notify_connect is for a ROUTER");
    if (options.notify_disconnect)
        return not_for_type("notify_disconnect is for a ROUTER");
    if (!options.notify_inproc)
        return not_for_type("notify_inproc is for a ROUTER");
    return {};
}

} // namespace slk::pattern
