/*
 * Selectors of the tasks of task.c and task_tour.S, in a GDT that begins as
 * layout.h says, and the order of what the tour notes.
 */
#ifndef GUEST_TEST_METAL_TASK_H
#define GUEST_TEST_METAL_TASK_H

#define SEL_TOUR      0x30   /* who switches */
#define SEL_COUNTER   0x38   /* counts, IRET */
#define SEL_JUMPER    0x40   /* counts by 0x100, JMP back */
#define SEL_NARROW    0x48   /* counts, IRET, in a 16-bit TSS */
#define SEL_GATE      0x50   /* to the counter */
#define SEL_FAULT     0x58   /* takes #TS and #GP */
#define SEL_BROKEN    0x60   /* its CS is data */
#define SEL_V86       0x68   /* virtual 8086 mode, a HLT */
#define SEL_TRAP      0x70   /* its T flag is set */
#define SEL_BAD       0x1238 /* beyond the table */
#define TASK_GDT_SIZE 0x78

#define TASK_VECTOR 0x30

#define NOTE_CALL   0
#define NOTE_AGAIN  1
#define NOTE_JMP    2
#define NOTE_INT    3
#define NOTE_GATE   4
#define NOTE_NARROW 5
#define NOTE_GP     6
#define NOTE_TS     7
#define NOTE_V86    8
#define NOTE_NMI    9
#define NOTE_NMI_2  10
#define NOTE_TRAP   11
#define NOTE_CR3    12
#define NOTE_PAE    13
#define NOTES       14

#endif
