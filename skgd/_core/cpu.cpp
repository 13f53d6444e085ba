// Which engines this processor can run.
#include "engine.hpp"

#if defined(SKGD_X86) && defined(_MSC_VER)
#include <immintrin.h>
#include <intrin.h>
#endif

namespace skgd {

namespace {

#if defined(SKGD_X86) && defined(_MSC_VER)

bool has_bits(int value, int bits) { return (value & bits) == bits; }

// The processor has it and the operating system saves its registers.
bool has_v3() {
    int one[4], seven[4];
    __cpuidex(one, 1, 0);
    if (!has_bits(one[2], 1 << 27 | 1 << 28 | 1 << 12)) return false;  // OSXSAVE AVX FMA
    __cpuidex(seven, 7, 0);
    return has_bits(static_cast<int>(_xgetbv(0)), 0x06) &&
           has_bits(seven[1], 1 << 5 | 1 << 3 | 1 << 8);  // AVX2 BMI BMI2
}

bool has_v4() {
    int seven[4];
    __cpuidex(seven, 7, 0);
    return has_v3() && has_bits(static_cast<int>(_xgetbv(0)), 0xe6) &&
           has_bits(seven[1], 1 << 16 | 1 << 17 | 1 << 28 | 1 << 30) &&  // F DQ CD BW
           seven[1] < 0;                                                  // VL
}

#elif defined(SKGD_X86)

bool has_v3() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

bool has_v4() {
    return has_v3() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}

#endif

}  // namespace

const Engine* engines() {
#define SKGD_ENGINE(arch)                                                            \
    Engine {                                                                         \
        #arch, &arch::run_pass, &arch::evaluate, &arch::add_moments,                 \
            &arch::permutation<int32_t>, &arch::permutation<int64_t>                 \
    }
    static Engine list[4] = {};
    static const bool ready = [] {
        Engine* next = list;
#if defined(SKGD_X86)
        if (has_v4()) *next++ = SKGD_ENGINE(x86_64_v4);
        if (has_v3()) *next++ = SKGD_ENGINE(x86_64_v3);
#endif
        *next = SKGD_ENGINE(portable);
        return true;
    }();
    (void)ready;
#undef SKGD_ENGINE
    return list;
}

}  // namespace skgd
