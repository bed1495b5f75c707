// SPDX-License-Identifier: MPL-2.0
#include "coroutine/stream_io.hpp"

#include "link/stream_core.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace slk::coroutine_detail {

namespace {

constexpr error empty_stream{errc::invalid_state, phase::transfer, 0, "an empty stream"};
constexpr error closed_stream{errc::cancelled, phase::transfer, 0, "the stream was closed"};
constexpr error cut_off{errc::broken_pipe, phase::transfer, 0, "a write was cancelled in part"};
constexpr error no_buffer{errc::out_of_memory, phase::transfer, 0, "no memory for a buffer"};

} // namespace

result<reference<stream_io>> stream_io::create(stream&& of) noexcept
{
    if (!of)
        return fail(empty_stream);
    auto made = reference<stream_io>::adopt(new (std::nothrow) stream_io(std::move(of)));
    if (!made)
        return fail(errc::out_of_memory, phase::transfer);
    link_detail::stream_core& core = *made->stream_.core();
    core.belongs_to_library();
    made->loop_ = &core.loop();
    return made;
}

void stream_io::close(const error* why, bool reset) noexcept
{
    if (reset)
        stream_.reset();
    else if (why != nullptr)
        stream_.close(*why);
    else
        stream_.close();
    if (!receive_failure_)
        receive_failure_ = closed_stream;
    if (!send_failure_)
        send_failure_ = closed_stream;
    wake_all(readers_);
    wake_all(writers_);
}

result<void> stream_io::shutdown_send() noexcept
{
    if (writer_ != nullptr || !writers_.empty())
        return fail(errc::in_progress, phase::transfer, "a write is under way");
    return stream_.shutdown_send();
}

void stream_io::wake_all(places& which) noexcept
{
    while (place* const each = which.first())
        operation::of(*each).wake();
}

/// Others would be woken by the wrong thread.
result<void> stream_io::check_loop(const operation& which) const noexcept
{
    if (&which.by().on->loop() != loop_)
        return fail(errc::invalid_state, phase::transfer, "a task of another loop");
    return {};
}

// --- reading ---

std::optional<result<std::size_t>> stream_io::take(std::span<std::byte> into) noexcept
{
    if (!unread_.empty() || into.empty()) {
        const std::size_t count = std::min(into.size(), unread_.size());
        if (count > 0)
            std::memcpy(into.data(), unread_.data(), count);
        unread_ = unread_.subspan(count);
        return count;
    }
    if (at_end_)
        return std::size_t{0};
    if (receive_failure_)
        return fail(receive_failure_);
    return std::nullopt;
}

result<void> stream_io::park_reader(operation& which) noexcept
{
    SLK_TRY(check_loop(which));
    if (!readers_.empty())
        return fail(errc::in_progress, phase::transfer, "a read is under way");
    if (!receiving_) {
        if (received_ == nullptr)
            received_.reset(new (std::nothrow) std::byte[receive_size]);
        if (received_ == nullptr)
            return fail(no_buffer);
        SLK_TRY(stream_.receive({received_.get(), receive_size},
                                [this](result<std::size_t> got) { received(got); }));
        receiving_ = true;
        retain();
    }
    which.wait_in(readers_);
    return {};
}

void stream_io::received(const result<std::size_t>& outcome) noexcept
{
    const auto held = reference<stream_io>::adopt(this);
    receiving_ = false;
    if (!outcome)
        receive_failure_ = receive_failure_ ? receive_failure_ : outcome.error();
    else
        unread_ = {received_.get(), *outcome};
    at_end_ = outcome && *outcome == 0;
    wake_all(readers_);
}

// --- writing ---

result<void> stream_io::park_writer(operation& which) noexcept
{
    SLK_TRY(check_loop(which));
    which.wait_in(writers_);
    return {};
}

std::optional<result<std::size_t>>
stream_io::go_on(operation& which, std::span<const std::byte>& left, std::size_t& written) noexcept
{
    if (writer_ != nullptr && writer_ != &which)
        return std::nullopt;
    if (send_failure_ || broken_) {
        leave(which, false);
        return fail(send_failure_ ? send_failure_ : cut_off);
    }
    if (in_flight_ > 0) // perhaps one of a write that is gone
        return std::nullopt;
    writer_ = &which;
    if (left.empty()) {
        leave(which, false);
        return written;
    }
    if (sending_ == nullptr)
        sending_.reset(new (std::nothrow) std::byte[send_size]);
    if (sending_ == nullptr) {
        leave(which, written > 0);
        return fail(no_buffer);
    }
    const std::size_t count = std::min(left.size(), send_size);
    std::memcpy(sending_.get(), left.data(), count);
    const auto begun = stream_.send(std::span<const std::byte>(sending_.get(), count),
                                    [this](result<std::size_t> done) { sent(done); });
    if (!begun) {
        leave(which, written > 0);
        return fail(begun.error());
    }
    retain();
    in_flight_ = count;
    left = left.subspan(count);
    written += count;
    return std::nullopt;
}

void stream_io::sent(const result<std::size_t>& outcome) noexcept
{
    const auto held = reference<stream_io>::adopt(this);
    in_flight_ = 0;
    if (!outcome && !send_failure_)
        send_failure_ = outcome.error();
    wake_all(writers_);
}

void stream_io::leave(operation& which, bool in_part) noexcept
{
    if (writer_ != &which)
        return;
    writer_ = nullptr;
    broken_ = broken_ || in_part;
    wake_all(writers_);
}

// --- operations ---

const operation::behaviour read_operation::how{
    .attempt =
        [](operation& self) noexcept {
            auto& read = static_cast<read_operation&>(self);
            if (read.of_ == nullptr)
                read.outcome_.emplace(fail(empty_stream));
            else if (auto got = read.of_->take(read.into_))
                read.outcome_.emplace(*std::move(got));
            return read.outcome_.has_value();
        },
    .park =
        [](operation& self) noexcept {
            return static_cast<read_operation&>(self).of_->park_reader(self);
        },
    .unpark = nullptr,
    .end = &fail_with,
};

read_operation::read_operation(stream_io* of, std::span<std::byte> into) noexcept
    : operation_of(how), of_(of), into_(into)
{
    if (of_ != nullptr)
        of_->retain();
}

read_operation::read_operation(read_operation&& other) noexcept
    : operation_of(std::move(other)), of_(std::exchange(other.of_, nullptr)), into_(other.into_)
{
}

read_operation::~read_operation()
{
    leave_strand();
    if (of_ != nullptr)
        of_->release();
}

const operation::behaviour write_operation::how{
    .attempt =
        [](operation& self) noexcept {
            auto& write = static_cast<write_operation&>(self);
            if (write.of_ == nullptr)
                write.outcome_.emplace(fail(empty_stream));
            else if (auto done = write.of_->go_on(self, write.left_, write.written_))
                write.outcome_.emplace(*std::move(done));
            return write.outcome_.has_value();
        },
    .park = [](operation& self) noexcept -> result<void> {
        return static_cast<write_operation&>(self).of_->park_writer(self);
    },
    .unpark = nullptr,
    .end =
        [](operation& self, const error& why) noexcept {
            auto& write = static_cast<write_operation&>(self);
            if (write.of_ != nullptr)
                write.of_->leave(self, write.written_ > 0 && !write.left_.empty());
            fail_with(self, why);
        },
};

write_operation::write_operation(stream_io* of, std::span<const std::byte> bytes) noexcept
    : operation_of(how), of_(of), left_(bytes)
{
    if (of_ != nullptr)
        of_->retain();
}

write_operation::write_operation(write_operation&& other) noexcept
    : operation_of(std::move(other)), of_(std::exchange(other.of_, nullptr)), left_(other.left_)
{
}

write_operation::~write_operation()
{
    leave_strand();
    if (of_ == nullptr)
        return;
    of_->leave(*this, written_ > 0 && !left_.empty());
    of_->release();
}

} // namespace slk::coroutine_detail

namespace slk {

using coroutine_detail::stream_io;

result<async_stream> async_stream::create(stream&& of)
{
    SLK_TRY(auto made, stream_io::create(std::move(of)));
    made->retain();
    return async_stream(made.get());
}

async_stream& async_stream::operator=(async_stream&& other) noexcept
{
    if (this != &other) {
        const async_stream old(std::move(*this));
        core_ = std::exchange(other.core_, nullptr);
    }
    return *this;
}

async_stream::~async_stream()
{
    if (core_ == nullptr)
        return;
    core_->close(nullptr, false);
    core_->release();
}

result<void> async_stream::shutdown_send()
{
    return core_ != nullptr ? core_->shutdown_send()
                            : fail(errc::invalid_state, phase::transfer, "an empty stream");
}

void async_stream::close() noexcept
{
    if (core_ != nullptr)
        core_->close(nullptr, false);
}

void async_stream::close(const error& reason) noexcept
{
    if (core_ != nullptr)
        core_->close(&reason, false);
}

void async_stream::reset() noexcept
{
    if (core_ != nullptr)
        core_->close(nullptr, true);
}

address async_stream::local_address() const noexcept
{
    return core_ != nullptr ? core_->get().local_address() : address{};
}

address async_stream::peer_address() const noexcept
{
    return core_ != nullptr ? core_->get().peer_address() : address{};
}

std::intptr_t async_stream::native_handle() const noexcept
{
    return core_ != nullptr ? core_->get().native_handle() : -1;
}

} // namespace slk
