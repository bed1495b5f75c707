// SPDX-License-Identifier: MPL-2.0
#include "link/resolver.hpp"

#include "base/call_user.hpp"
#include "io/name_service.hpp"
#include "io/os/system.hpp"
#include "io/os/thread.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

namespace slk::link_detail {

namespace {

constexpr error cancelled{errc::cancelled, phase::resolve};

} // namespace

/// What the loop asks of a lookup thread.
struct lookup_question {
    std::uint64_t number = 0;
    std::string host;
    std::uint16_t port = 0;
};

struct lookup_result {
    std::uint64_t number = 0;
    result<std::vector<address>> addresses;
};

/// A lookup under way and the requests that wait for it. On the loop's thread.
struct lookup {
    std::uint64_t number = 0;
    std::string host;
    std::uint16_t port = 0;
    list<lookup_request> waiting;
};

/// State that the lookup threads share with the resolver. It outlives the resolver while a thread
/// is inside the system's resolver, which cannot be interrupted.
struct resolver::shared {
    std::mutex guard;
    std::condition_variable asked;
    std::condition_variable left;
    std::deque<lookup_question> questions;
    std::vector<lookup_result> results;
    name_lookup look_up;
    io::loop_core* loop = nullptr; ///< null once the loop closes
    io::task* deliver = nullptr;
    int threads = 0;
    int idle = 0;
    int max_threads = 0;
    std::uint64_t next_number = 1;

    static void work(const std::shared_ptr<shared>& self);
    /// Passes a result to the loop. The guard is held; false once the loop closes.
    bool take(std::uint64_t number, result<std::vector<address>> addresses);
    static result<void> start_thread(const std::shared_ptr<shared>& self);
};

void resolver::shared::work(const std::shared_ptr<shared>& self)
{
    std::unique_lock lock(self->guard);
    while (self->loop != nullptr) {
        if (self->questions.empty()) {
            ++self->idle;
            self->asked.wait(lock);
            --self->idle;
            continue;
        }
        const lookup_question next = std::move(self->questions.front());
        self->questions.pop_front();
        lock.unlock();
        auto addresses = self->look_up
                             ? call_user("loop_options::lookup",
                                         [&] { return self->look_up(next.host, next.port); })
                             : io::os::resolve(next.host, next.port);
        lock.lock();
        if (!self->take(next.number, std::move(addresses)))
            break;
    }
    --self->threads;
    self->left.notify_all();
}

bool resolver::shared::take(std::uint64_t number, result<std::vector<address>> addresses)
{
    if (loop == nullptr)
        return false;
    results.push_back({number, std::move(addresses)});
    loop->post(*deliver);
    return true;
}

result<void> resolver::shared::start_thread(const std::shared_ptr<shared>& self)
{
    auto passed = std::make_unique<std::shared_ptr<shared>>(self);
    const auto enter = [](void* argument) noexcept {
        const std::unique_ptr<std::shared_ptr<shared>> mine(
            static_cast<std::shared_ptr<shared>*>(argument));
        work(*mine);
    };
    SLK_TRY(auto started, io::os::thread::start(enter, passed.get()));
    (void)passed.release();
    // Detached: a thread inside the system's resolver cannot be interrupted, and the loop's end
    // should not wait for it.
    started.detach();
    return {};
}

resolver::resolver(io::loop_core& loop) : loop_(loop), shared_(std::make_shared<shared>())
{
    answers_.owner = this;
    answers_.run = [](io::task& self) noexcept {
        static_cast<resolver*>(self.owner)->deliver_answers();
    };
    shared_->look_up = loop.options().lookup;
    shared_->loop = &loop;
    shared_->deliver = &answers_;
    shared_->max_threads = loop.options().resolver_threads;
}

resolver::~resolver()
{
    close();
}

void resolver::resolve(lookup_request& request, const std::string& host, std::uint16_t port)
{
    request.in_flight_ = true;
    request.cancelled_.owner = &request;
    request.cancelled_.run = [](io::task& self) noexcept {
        auto& entry = *static_cast<lookup_request*>(self.owner);
        entry.in_flight_ = false;
        entry.on_complete(entry, fail(cancelled));
    };

    const auto same = [&](const auto& entry) { return entry->host == host && entry->port == port; };
    if (const auto found = std::ranges::find_if(running_, same); found != running_.end()) {
        (*found)->waiting.push_back(request);
        return;
    }
    auto started = std::make_unique<lookup>();
    started->host = host;
    started->port = port;
    started->waiting.push_back(request);

    const std::lock_guard lock(shared_->guard);
    if (shared_->loop == nullptr) {
        cancel(request);
        return;
    }
    const std::uint64_t number = started->number = shared_->next_number++;
    running_.push_back(std::move(started));
    if (io::name_service* const service = loop_.io().names(); service != nullptr)
        return service->look_up(host, port,
                                [self = shared_, number](result<std::vector<address>> addresses) {
                                    const std::lock_guard held(self->guard);
                                    self->take(number, std::move(addresses));
                                });
    shared_->questions.push_back({number, host, port});
    const auto waiting = static_cast<int>(shared_->questions.size());
    if (waiting > shared_->idle && shared_->threads < shared_->max_threads) {
        ++shared_->threads;
        if (auto started = shared::start_thread(shared_); !started) {
            --shared_->threads;
            if (shared_->threads == 0) {
                shared_->questions.pop_back();
                shared_->take(number, fail(started.error()));
            }
        }
    }
    shared_->asked.notify_one();
}

void resolver::cancel(lookup_request& request)
{
    if (!request.linked())
        return;
    request.unlink();
    loop_.post(request.cancelled_);
}

void resolver::deliver_answers() noexcept
{
    std::vector<lookup_result> arrived;
    {
        const std::lock_guard lock(shared_->guard);
        arrived.swap(shared_->results);
    }
    for (lookup_result& next : arrived) {
        const auto found = std::ranges::find(running_, next.number, &lookup::number);
        if (found == running_.end())
            continue;
        const std::unique_ptr<lookup> done = std::move(*found);
        running_.erase(found);
        while (!done->waiting.empty()) {
            lookup_request& request = done->waiting.pop_front();
            request.in_flight_ = false;
            request.on_complete(request, next.addresses);
        }
    }
}

void resolver::close() noexcept
{
    for (const auto& entry : running_)
        while (!entry->waiting.empty())
            cancel(entry->waiting.front());
    running_.clear();
    std::unique_lock lock(shared_->guard);
    shared_->loop = nullptr;
    shared_->questions.clear();
    shared_->asked.notify_all();
    // Waiting threads leave at once; one inside the system's resolver leaves when it returns.
    shared_->left.wait(lock, [this] { return shared_->idle == 0; });
}

} // namespace slk::link_detail
