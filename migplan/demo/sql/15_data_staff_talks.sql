-- What the staff asks the assistant. Every talk has a question; fifteen also have an answer.

CREATE TABLE demo_data.staff_talks AS
SELECT number AS n, demo_data.uid('staff conversation', number) AS id, staff.id AS staff_id, staff.tenant_id,
    topic.category, topic.question, topic.answer, topic.source,
    1 + (number % 3 = 0 OR number = 43)::integer AS messages,
    demo_data.moment(date '2025-03-12' + number * 5, 420 + demo_data.num('staff talk ' || number, 600)) AS began_at
FROM generate_series(1, 43) AS number
JOIN (VALUES
    (0, 'sire', '¿Cuándo tengo que reportar la salida de la habitación A-101?',
        'Dentro de las 24 horas siguientes a la salida. El huésped sigue registrado.', 'sire_content'),
    (1, 'arrivals', '¿Quién llega mañana y a qué hora?',
        'Dos reservas: una a las 13:40 en vuelo desde Bogotá y otra sin hora informada.', 'guest_reservations'),
    (2, 'housekeeping', 'Faltan toallas de playa en la lavandería, ¿pedimos más?',
        'Quedan 14 y hay 9 huéspedes. El proveedor entrega los martes.', 'hotel_operations'),
    (3, 'calendar', 'Airbnb muestra ocupado el 14, pero aquí está libre. ¿Cuál vale?',
        'Vale la reserva de Airbnb: el calendario de MotoPress no se ha sincronizado desde ayer.', 'calendar_events'),
    (4, 'maintenance', E'La bomba de agua hace ruido otra vez.\n¿A quién llamé la última vez?',
        'En febrero vino el técnico de la planta; el número está en la carpeta C:\Mantenimiento\2025.', 'hotel_operations'),
    (5, 'guests', 'How do I tell a guest politely that the pool closes at 9 pm?',
        'Try: "The pool rests from nine in the evening, so that all our guests can sleep well."', 'policies'),
    (6, 'sire', 'El pasaporte del señor del 204 vence en una semana, ¿es un problema?',
        'No para el reporte. Anote la fecha tal como está en el documento.', 'sire_document_types'),
    (7, 'pricing', '¿Cuánto cuesta la cabaña en Semana Santa?',
        'Temporada alta: 40 % más que el precio base, mínimo cuatro noches.', 'accommodation_units_public')
) AS topic (n, category, question, answer, source) ON topic.n = number % 8
JOIN demo_data.staff AS staff ON staff.n = 1 + number % 6
ORDER BY number;

INSERT INTO public.staff_conversations
    (id, tenant_id, staff_id, title, category, status, message_count, last_message_at, created_at)
SELECT id, tenant_id, staff_id, split_part(question, E'\n', 1), category,
    (CASE WHEN messages = 2 THEN 'closed' WHEN n > 38 THEN 'open' ELSE 'waiting' END)::public.conversation_status,
    messages, began_at + (messages - 1) * interval '19 seconds', began_at
FROM demo_data.staff_talks
ORDER BY n;

INSERT INTO public.staff_messages (id, conversation_id, sender, content, sources, confidence, created_at)
    OVERRIDING SYSTEM VALUE
SELECT row_number() OVER (ORDER BY n, part), id,
    (CASE part WHEN 1 THEN 'staff' ELSE 'assistant' END)::public.message_sender,
    CASE part WHEN 1 THEN question ELSE answer END,
    CASE part WHEN 1 THEN '{}' ELSE ARRAY[source] END,
    CASE part WHEN 2 THEN (55 + demo_data.num('confidence ' || n, 45))::double precision / 100 END,
    began_at + (part - 1) * interval '19 seconds'
FROM demo_data.staff_talks
CROSS JOIN generate_series(1, 2) AS part
WHERE part <= messages
ORDER BY n, part;
