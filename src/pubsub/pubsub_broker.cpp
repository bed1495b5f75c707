// SPDX-License-Identifier: MPL-2.0
#include <serverlink/pubsub_broker.hpp>

#include <new>
#include <optional>
#include <utility>

namespace slk {

namespace {

constexpr error broker_moved_from{errc::invalid_state, phase::none, 0, "the broker was moved from"};

} // namespace

struct pubsub_broker::core {
    core(xsub publishers, xpub subscribers) noexcept
        : front(std::move(publishers)), back(std::move(subscribers))
    {
    }

    xsub front;
    xpub back;
    std::string frontend;
    std::string backend;
    std::optional<proxy> between; ///< ends before the sockets
};

pubsub_broker::pubsub_broker(std::unique_ptr<core> made) noexcept : core_(std::move(made)) {}
pubsub_broker::pubsub_broker(pubsub_broker&& other) noexcept = default;
pubsub_broker& pubsub_broker::operator=(pubsub_broker&& other) noexcept = default;
pubsub_broker::~pubsub_broker() = default;

result<pubsub_broker> pubsub_broker::create(context& in, std::string_view frontend,
                                            std::string_view backend)
{
    SLK_TRY(auto front, xsub::create(in));
    SLK_TRY(auto back, xpub::create(in));
    std::unique_ptr<core> made(new (std::nothrow) core(std::move(front), std::move(back)));
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    SLK_TRY(made->frontend, made->front.bind(frontend));
    SLK_TRY(made->backend, made->back.bind(backend));
    SLK_TRY(auto between, proxy::create(made->front, made->back));
    made->between.emplace(std::move(between));
    return pubsub_broker(std::move(made));
}

const std::string& pubsub_broker::frontend() const noexcept
{
    static const std::string none;
    return core_ != nullptr ? core_->frontend : none;
}

const std::string& pubsub_broker::backend() const noexcept
{
    static const std::string none;
    return core_ != nullptr ? core_->backend : none;
}

result<void> pubsub_broker::run(const timeout& limit)
{
    return core_ != nullptr ? core_->between->run(limit) : fail(broker_moved_from);
}

void pubsub_broker::stop() noexcept
{
    if (core_ != nullptr)
        core_->between->stop();
}

std::uint64_t pubsub_broker::messages() const noexcept
{
    return core_ != nullptr ? core_->between->counters().back.sent : 0;
}

} // namespace slk
