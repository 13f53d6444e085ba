// The engines, one for each architecture.
#pragma once

#include <cstdint>

#include "pass.hpp"

namespace skgd {

#define SKGD_ENGINE(arch)                                                            \
    namespace arch {                                                                 \
    /* Returns the weighted sum of the losses, each before the step of its batch. */ \
    double run_pass(const Pass&);                                                    \
    /* Returns the weighted sum of the losses; adds the gradient to g if there is g. */ \
    double evaluate(const Pass&);                                                    \
    void add_moments(const ColumnMoments&);                                          \
    template <class Index>                                                           \
    void permutation(int64_t n, uint64_t seed, uint64_t epoch, Index* rows);         \
    }

SKGD_ENGINE(portable)
#if defined(SKGD_X86)
SKGD_ENGINE(x86_64_v3)
SKGD_ENGINE(x86_64_v4)
#endif
#undef SKGD_ENGINE

struct Engine {
    const char* name;
    double (*run_pass)(const Pass&);
    double (*evaluate)(const Pass&);
    void (*add_moments)(const ColumnMoments&);
    void (*permutation32)(int64_t n, uint64_t seed, uint64_t epoch, int32_t* rows);
    void (*permutation64)(int64_t n, uint64_t seed, uint64_t epoch, int64_t* rows);
};

// Those that this processor can run, the fastest first; ends with a null name.
const Engine* engines();

}  // namespace skgd
