// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_COROUTINE_HPP
#define SERVERLINK_COROUTINE_HPP

/// Coroutines: tasks that wait for sockets, streams, timers and each other with co_await.
///
///     slk::task<> serve(slk::rep& on)
///     {
///         for (slk::message request;;) {
///             SLK_CO_TRY(co_await slk::async_receive(on, request));
///             SLK_CO_TRY(co_await slk::async_send(on, std::move(request)));
///         }
///     }
///
///     slk::run_task(loop, serve(rep));
///
/// **Threads.** A task belongs to one loop, and runs on the thread that runs this loop. It is
/// resumed by the loop's turns only: never inside a call of another task, and not by another
/// thread. Everything that it uses is used by that thread. Sockets may be in any context: in one
/// with threads, these carry the bytes and wake the loop; in one of context::on(loop), the loop of
/// the tasks carries the bytes too, which spares the wake. (A context without threads of its own
/// loop, context_options::threads 0, would be run by nobody.) A task must not make calls that wait,
/// and must not run its own loop. So it ends a socket by close_in_background(): with close(), or
/// the destructor and a `linger`, a socket on the loop of the tasks would lose what is not sent.
///
/// **Errors** are results, and never exceptions. An exception that leaves a task ends the process.
///
/// **Cancellation.** A task that is cancelled goes on: what it waits for ends with errc::cancelled,
/// and so does all that it waits for later. It is cancelled by its scope, by a std::stop_token
/// (with_stop(), spawn(), task_scope, run_task()), by with_timeout() and by when_any(). Destroying
/// a scope destroys its tasks wherever they are suspended: nothing is called later, and nothing
/// that they were waiting for is lost. A message that has arrived stays in its socket, bytes in
/// their stream.
///
/// **Memory.** A task allocates when it is made (its frame) and spawned. Waiting allocates nothing,
/// but for the first wait for a socket on a loop, and what the call itself allocates.
///
/// **The end of the loop** destroys the tasks of slk::spawn(). Those of scopes stay suspended until
/// their scope is destroyed.
///
/// A parameter that is a reference, and the captures of a lambda that is a coroutine, must outlive
/// the task. GCC 12 has errors in coroutines: write no `co_await` in a conditional expression (?:),
/// and give no braces with a list of objects to a function in the same expression.

#include <serverlink/coroutine_combine.hpp>
#include <serverlink/coroutine_operation.hpp>
#include <serverlink/coroutine_sockets.hpp>
#include <serverlink/coroutine_streams.hpp>
#include <serverlink/coroutine_task.hpp>

#endif
