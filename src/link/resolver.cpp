// SPDX-License-Identifier: MPL-2.0
#include "link/resolver.hpp"

#include "base/call_user.hpp"
#include "base/try_allocate.hpp"
#include "io/name_service.hpp"
#include "io/os/system.hpp"
#include "io/os/thread.hpp"

#include <condition_variable>
#include <mutex>
#include <new>
#include <utility>

namespace slk::link_detail {

namespace {

constexpr error cancelled{errc::cancelled, phase::resolve};
constexpr error no_memory_to_look_up{errc::out_of_memory, phase::resolve};

} // namespace

/// What the loop asks of a lookup thread, and then its answer.
struct lookup_job : list_node {
    std::uint64_t number = 0;
    std::string host;
    std::uint16_t port = 0;
    result<std::vector<address>> found;
};

namespace {

void remove_all(list<lookup_job>& jobs) noexcept
{
    while (!jobs.empty())
        delete &jobs.pop_front();
}

} // namespace

/// State that the lookup threads share with the resolver. It outlives the resolver while a thread
/// is inside the system's resolver, which cannot be interrupted.
struct resolver::shared {
    std::mutex guard;
    std::condition_variable asked;
    std::condition_variable left;
    list<lookup_job> questions;
    list<lookup_job> asked_elsewhere; ///< of a name service of the loop's own
    list<lookup_job> answers;
    int waiting = 0; ///< questions
    name_lookup look_up;
    io::loop_core* loop = nullptr; ///< null once the loop closes
    io::task* deliver = nullptr;
    int threads = 0;
    int idle = 0;
    int max_threads = 0;
    std::uint64_t next_number = 1;

    ~shared()
    {
        remove_all(questions);
        remove_all(asked_elsewhere);
        remove_all(answers);
    }

    static void work(const std::shared_ptr<shared>& self);
    /// Passes an answer to the loop. The guard is held; false once the loop closes.
    bool answer(std::unique_ptr<lookup_job> job) noexcept;
    /// The answer of a name service of the loop's own.
    void answer_elsewhere(std::uint64_t number, result<std::vector<address>> found) noexcept;
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
        std::unique_ptr<lookup_job> next(&self->questions.pop_front());
        --self->waiting;
        lock.unlock();
        next->found = self->look_up
                          ? call_user("loop_options::lookup",
                                      [&] { return self->look_up(next->host, next->port); })
                          : io::os::resolve(next->host, next->port);
        lock.lock();
        if (!self->answer(std::move(next)))
            break;
    }
    --self->threads;
    self->left.notify_all();
}

bool resolver::shared::answer(std::unique_ptr<lookup_job> job) noexcept
{
    if (loop == nullptr)
        return false;
    answers.push_back(*job.release());
    loop->post(*deliver);
    return true;
}

void resolver::shared::answer_elsewhere(std::uint64_t number,
                                        result<std::vector<address>> found) noexcept
{
    const std::lock_guard held(guard);
    lookup_job* answered = nullptr;
    asked_elsewhere.for_each([&](lookup_job& each) {
        if (each.number == number)
            answered = &each;
    });
    if (answered == nullptr)
        return;
    answered->unlink();
    answered->found = std::move(found);
    (void)answer(std::unique_ptr<lookup_job>(answered));
}

result<void> resolver::shared::start_thread(const std::shared_ptr<shared>& self)
{
    std::unique_ptr<std::shared_ptr<shared>> passed(new (std::nothrow)
                                                        std::shared_ptr<shared>(self));
    if (passed == nullptr)
        return fail(no_memory_to_look_up);
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

resolver::resolver(io::loop_core& loop) noexcept : loop_(loop), shared_(try_make_shared<shared>())
{
    answers_.owner = this;
    answers_.run = [](io::task& self) noexcept {
        static_cast<resolver*>(self.owner)->deliver_answers();
    };
}

bool resolver::open() noexcept
{
    if (shared_ == nullptr || !try_allocate([&] { shared_->look_up = loop_.options().lookup; }))
        return false;
    shared_->loop = &loop_;
    shared_->deliver = &answers_;
    shared_->max_threads = loop_.options().resolver_threads;
    return true;
}

resolver::~resolver()
{
    if (shared_ != nullptr)
        close();
}

void resolver::resolve(lookup_request& request, const std::string& host, std::uint16_t port)
{
    request.in_flight_ = true;
    request.failed_.owner = &request;
    request.failed_.run = [](io::task& self) noexcept {
        auto& entry = *static_cast<lookup_request*>(self.owner);
        entry.in_flight_ = false;
        entry.on_complete(entry, fail(entry.failure_));
    };

    lookup* running = nullptr;
    running_.for_each([&](lookup& entry) {
        if (entry.host == host && entry.port == port)
            running = &entry;
    });
    if (running != nullptr) {
        running->waiting.push_back(request);
        return;
    }
    std::unique_ptr<lookup> begun(new (std::nothrow) lookup);
    std::unique_ptr<lookup_job> job(new (std::nothrow) lookup_job);
    if (begun == nullptr || job == nullptr || !try_assign(begun->host, host) ||
        !try_assign(job->host, host))
        return fail_soon(request, no_memory_to_look_up);

    const std::lock_guard lock(shared_->guard);
    if (shared_->loop == nullptr)
        return fail_soon(request, cancelled);
    begun->number = job->number = shared_->next_number++;
    begun->port = job->port = port;
    if (io::name_service* const service = loop_.io().names(); service != nullptr) {
        auto done = [self = shared_, number = job->number](result<std::vector<address>> found) {
            self->answer_elsewhere(number, std::move(found));
        };
        io::name_service::handler handler;
        if (!try_allocate([&] { handler = std::move(done); }))
            return fail_soon(request, no_memory_to_look_up);
        shared_->asked_elsewhere.push_back(*job.release());
        begun->waiting.push_back(request);
        running_.push_back(*begun.release());
        return service->look_up(host, port, std::move(handler));
    }
    lookup_job& question = *job.release();
    shared_->questions.push_back(question);
    if (++shared_->waiting > shared_->idle && shared_->threads < shared_->max_threads) {
        ++shared_->threads;
        if (const auto started = shared::start_thread(shared_); !started) {
            --shared_->threads;
            if (shared_->threads == 0) {
                question.unlink();
                --shared_->waiting;
                delete &question;
                return fail_soon(request, started.error());
            }
        }
    }
    begun->waiting.push_back(request);
    running_.push_back(*begun.release());
    shared_->asked.notify_one();
}

void resolver::fail_soon(lookup_request& request, const error& reason) noexcept
{
    request.failure_ = reason;
    loop_.post(request.failed_);
}

void resolver::cancel(lookup_request& request)
{
    if (!request.linked())
        return;
    request.unlink();
    fail_soon(request, cancelled);
}

void resolver::deliver_answers() noexcept
{
    list<lookup_job> arrived;
    {
        const std::lock_guard lock(shared_->guard);
        arrived.take(shared_->answers);
    }
    while (!arrived.empty()) {
        const std::unique_ptr<lookup_job> job(&arrived.pop_front());
        std::unique_ptr<lookup> done;
        running_.for_each([&](lookup& entry) {
            if (entry.number == job->number)
                done.reset(&entry);
        });
        if (done == nullptr)
            continue;
        done->unlink();
        while (!done->waiting.empty()) {
            lookup_request& request = done->waiting.pop_front();
            request.in_flight_ = false;
            std::vector<address> copy;
            if (job->found && !done->waiting.empty() && !try_assign(copy, *job->found))
                request.on_complete(request, fail(no_memory_to_look_up));
            else if (job->found && !done->waiting.empty())
                request.on_complete(request, std::move(copy));
            else
                request.on_complete(request, std::move(job->found));
        }
    }
}

void resolver::close() noexcept
{
    while (!running_.empty()) {
        const std::unique_ptr<lookup> ended(&running_.pop_front());
        while (!ended->waiting.empty())
            cancel(ended->waiting.front());
    }
    std::unique_lock lock(shared_->guard);
    shared_->loop = nullptr;
    remove_all(shared_->questions);
    remove_all(shared_->asked_elsewhere);
    shared_->waiting = 0;
    shared_->asked.notify_all();
    // Waiting threads leave at once; one inside the system's resolver leaves when it returns.
    shared_->left.wait(lock, [this] { return shared_->idle == 0; });
}

} // namespace slk::link_detail
