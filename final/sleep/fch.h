/*
 * Sleep control of AMD's chipsets, which lies in memory as well.
 */
#ifndef SLEEP_FCH_H
#define SLEEP_FCH_H

/* Watch that, where there is such a chipset. Phase device, CPU 0. */
void sleep_watch_fch(void);

#endif
