// SPDX-License-Identifier: MPL-2.0
#include <serverlink/pubsub_broker.hpp>

#include "base/try_allocate.hpp"
#include "io/os/thread.hpp"
#include "messaging/socket/socket_core.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>
#include <optional>
#include <utility>

namespace slk {

namespace {

constexpr error broker_moved_from{errc::invalid_state, phase::none, 0, "the broker was moved from"};
constexpr error broker_runs{errc::in_progress, phase::none, 0, "the broker runs already"};

} // namespace

struct pubsub_broker::core {
    core(xsub publishers, xpub subscribers) noexcept
        : front(std::move(publishers)), back(std::move(subscribers))
    {
    }
    core(const core&) = delete;
    core& operator=(const core&) = delete;
    ~core();

    /// Binds what is not bound yet. On an error neither endpoint is bound.
    result<void> bind();
    result<void> run(const timeout& limit);
    result<void> start();
    void stop() noexcept;
    [[nodiscard]] error ended_because() noexcept;

    xsub front;
    xpub back;
    std::string frontend;
    std::string backend;
    std::optional<proxy> between; ///< ends before the sockets

private:
    /// One run() or start() at a time. Returns false if there is one. `waits`: for one that was
    /// stopped and is about to end.
    [[nodiscard]] bool begin(bool waits) noexcept;
    /// `why`: how the thread of the last start() has ended.
    void end(const error& why) noexcept;
    result<void> run_until_stop(const timeout& limit);

    bool is_bound_ = false; ///< of the thread that has begun
    std::atomic<bool> stops_{false};
    std::mutex starting_; ///< one start() at a time: it may go on when its thread has ended
    io::os::thread thread_; ///< guarded by that, until the end
    std::mutex guard_;
    std::condition_variable ended_;
    bool runs_ = false; ///< guarded
    bool ends_ = false; ///< guarded: it was stopped
    error why_; ///< guarded: how the thread of start() has ended
};

pubsub_broker::core::~core()
{
    // A child process (fork(2)) has a copy of the broker, but not the threads that run it.
    if (front.core() != nullptr && front.core()->context()->forked())
        return;
    if (!between)
        return;
    stop();
    {
        std::unique_lock lock(guard_);
        ended_.wait(lock, [this] { return !runs_; });
    }
    if (thread_.joinable())
        thread_.join();
}

bool pubsub_broker::core::begin(bool waits) noexcept
{
    std::unique_lock lock(guard_);
    if (!waits)
        return !std::exchange(runs_, true);
    ended_.wait(lock, [this] { return !runs_ || !ends_; });
    if (std::exchange(runs_, true))
        return false;
    // What comes from now on is for this run.
    stops_.store(false);
    why_ = {};
    return true;
}

void pubsub_broker::core::end(const error& why) noexcept
{
    // Notified with the lock held: the broker may be gone as soon as it is not.
    const std::lock_guard lock(guard_);
    runs_ = ends_ = false;
    why_ = why;
    ended_.notify_all();
}

void pubsub_broker::core::stop() noexcept
{
    {
        const std::lock_guard lock(guard_);
        stops_.store(true);
        ends_ = runs_;
        ended_.notify_all();
    }
    between->stop();
}

error pubsub_broker::core::ended_because() noexcept
{
    const std::lock_guard lock(guard_);
    return why_;
}

result<void> pubsub_broker::core::bind()
{
    if (is_bound_)
        return {};
    SLK_TRY(auto first, front.bind(frontend));
    auto second = back.bind(backend);
    if (!second) {
        SLK_TRY(front.unbind(first));
        return fail(second.error());
    }
    frontend = std::move(first);
    backend = *std::move(second);
    is_bound_ = true;
    return {};
}

result<void> pubsub_broker::core::run(const timeout& limit)
{
    if (!begin(false))
        return fail(broker_runs);
    auto done = bind();
    if (done)
        done = run_until_stop(limit);
    end(ended_because());
    return done;
}

/// The proxy also ends for a stop() that an earlier run has seen here, or that start() has undone.
result<void> pubsub_broker::core::run_until_stop(const timeout& limit)
{
    while (!stops_.exchange(false))
        SLK_TRY(between->run(limit));
    return {};
}

result<void> pubsub_broker::core::start()
{
    SLK_TRY(front.core()->usable());
    if (front.core()->context()->run_by_caller())
        return fail(errc::not_supported, phase::setup, "the context has no threads");
    const std::lock_guard lock(starting_);
    if (!begin(true))
        return fail(broker_runs);
    if (thread_.joinable())
        thread_.join(); // of an earlier start(): it has ended
    auto done = bind();
    if (done) {
        auto started = io::os::thread::start(
            [](void* of) noexcept {
                auto& broker = *static_cast<core*>(of);
                const auto done = broker.run_until_stop({});
                broker.end(done ? error{} : done.error());
            },
            this);
        if (started) {
            thread_ = *std::move(started);
            return {};
        }
        done = fail(started.error());
    }
    end({});
    return done;
}

pubsub_broker::pubsub_broker(std::unique_ptr<core> made) noexcept : core_(std::move(made)) {}
pubsub_broker::pubsub_broker(pubsub_broker&& other) noexcept = default;
pubsub_broker& pubsub_broker::operator=(pubsub_broker&& other) noexcept = default;
pubsub_broker::~pubsub_broker() = default;

result<pubsub_broker> pubsub_broker::create(context& in, std::string_view frontend,
                                            std::string_view backend,
                                            const pubsub_broker_options& options)
{
    SLK_TRY(auto front, xsub::create(in, options.of_frontend));
    SLK_TRY(auto back, xpub::create(in, options.of_backend));
    std::unique_ptr<core> made(new (std::nothrow) core(std::move(front), std::move(back)));
    if (made == nullptr || !try_assign(made->frontend, frontend) ||
        !try_assign(made->backend, backend))
        return fail(errc::out_of_memory, phase::setup);
    if (!options.bind_at_start)
        SLK_TRY(made->bind());
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
    return core_ != nullptr ? core_->run(limit) : fail(broker_moved_from);
}

result<void> pubsub_broker::start()
{
    return core_ != nullptr ? core_->start() : fail(broker_moved_from);
}

void pubsub_broker::stop() noexcept
{
    if (core_ != nullptr)
        core_->stop();
}

error pubsub_broker::ended_because() const noexcept
{
    return core_ != nullptr ? core_->ended_because() : error{};
}

std::uint64_t pubsub_broker::messages() const noexcept
{
    return core_ != nullptr ? core_->between->counters().back.sent : 0;
}

} // namespace slk
