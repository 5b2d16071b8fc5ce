// What MySQL and MariaDB do alone.
#include "fixture.hpp"

namespace slipway::db::tests {}
