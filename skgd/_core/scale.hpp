// What an optimizer tells the proximal operator of a penalty.
#pragma once

namespace skgd::SKGD_ARCH {

// The metric of the last step: one number for all weights, or one for each.
template <class T>
struct Scale {
    double all;
    const T* each;
};

}  // namespace skgd::SKGD_ARCH
