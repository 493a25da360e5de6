/* SPDX-License-Identifier: Apache-2.0 */
/* notify: tells the service manager how we are, by the protocol of sd_notify(3). Without NOTIFY_SOCKET nothing is
 * sent. */
#ifndef SLUICE_MAIN_NOTIFY_H
#define SLUICE_MAIN_NOTIFY_H

void notify_ready(void);
void notify_reloading(void);     /* ends with notify_ready */
void notify_stopping(void);

#endif
