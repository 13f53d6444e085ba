// Ctrl-C: the interpreter is asked every few milliseconds.
#pragma once

#include <cstdint>

#include "pass.hpp"
#include "vec.hpp"

namespace skgd::SKGD_ARCH {

class Signals {
public:
    explicit Signals(const Hooks& hooks) : hooks_(hooks) {}

    // To be called after some work, in elements of X; throws if there is a signal.
    SKGD_INLINE void check(int64_t work) {
        work_ += work;
        if (work_ < interval) return;
        work_ = 0;
        hooks_.check_signals(hooks_.self);
    }

private:
    static constexpr int64_t interval = int64_t{1} << 24;  // a few milliseconds

    const Hooks& hooks_;
    int64_t work_ = 0;
};

}  // namespace skgd::SKGD_ARCH
