-- Talks with guests: a thread of messages for each of 112 conversations, in Spanish or in English.

CREATE TABLE demo_data.threads (language text, thread integer, place integer, sender text, content text);
INSERT INTO demo_data.threads VALUES
    ('es', 0, 1, 'guest', 'Buenas tardes, soy {guest}. ¿A qué hora podemos entrar?'),
    ('es', 0, 2, 'staff', 'Hola, {guest}. Desde las 15:00; antes pueden dejar las maletas.'),
    ('es', 0, 3, 'guest', 'Perfecto, llegamos a la una y dejamos todo.'),
    ('es', 1, 1, 'guest', '¿Nos pueden recoger en el aeropuerto?'),
    ('es', 1, 2, 'assistant', 'Sí: 25.000 pesos por carro. ¿Número de vuelo?'),
    ('es', 1, 3, 'guest', 'AV 9772, llega 13:40'),
    ('es', 2, 1, 'guest', E'El aire acondicionado gotea.\nYa puse una toalla.'),
    ('es', 2, 2, 'staff', 'Gracias por avisar, va Kevin en diez minutos.'),
    ('es', 3, 1, 'guest', '¿Qué playa recomiendan con niños?'),
    ('es', 3, 2, 'assistant', 'Rocky Cay: poca profundidad y sombra. Lleven zapatos de agua.'),
    ('es', 4, 1, 'guest', 'No encuentro la clave del wifi 😅'),
    ('es', 4, 2, 'assistant', 'Está en la tarjeta junto al televisor. Si no, escríbanos.'),
    ('es', 5, 1, 'guest', '¿Podemos salir a las 2 el domingo?'),
    ('es', 5, 2, 'staff', 'Ese día entra otra familia a las 3; hasta la 1 sí, sin costo.'),
    ('es', 5, 3, 'guest', 'A la 1 está muy bien.'),
    ('es', 6, 1, 'guest', 'Dejé unos audífonos en la mesa de noche'),
    ('es', 6, 2, 'staff', 'Los tenemos. ¿Se los enviamos a Bogotá por 18.500 pesos?'),
    ('es', 7, 1, 'guest', '¿El desayuno está incluido?'),
    ('es', 7, 2, 'assistant', 'Sí, de 7 a 10, con "johnny cake" recién hecho.'),
    ('es', 8, 1, 'guest', 'Necesito factura a nombre de mi empresa.'),
    ('es', 8, 2, 'staff', 'Con gusto. Envíenos el NIT y la dirección.'),
    ('es', 8, 3, 'guest', 'NIT DEMO-900999000-1, Cra. 7 # 0-00'),
    ('es', 8, 4, 'staff', 'Enviada al correo. \N no es un error: es el número de serie.'),
    ('en', 0, 1, 'guest', 'Hi, this is {guest}. Can we leave our bags before check-in?'),
    ('en', 0, 2, 'staff', 'Of course, {guest}: from eight in the morning, behind the desk.'),
    ('en', 1, 1, 'guest', 'Our flight was cancelled, we arrive a day late.'),
    ('en', 1, 2, 'staff', E'Sorry to hear that! We keep the room.\nThe first night we charge at half price.'),
    ('en', 1, 3, 'guest', 'That is very kind of you.'),
    ('en', 2, 1, 'guest', 'Is the tap water safe?'),
    ('en', 2, 2, 'assistant', 'Better not. There is a large bottle in the kitchen; we refill it.'),
    ('en', 3, 1, 'guest', 'Do you report my passport to somebody?'),
    ('en', 3, 2, 'assistant', 'Yes. The law asks us to tell SIRE of every guest from abroad.'),
    ('en', 3, 3, 'guest', 'Fine. Photo attached.'),
    ('en', 4, 1, 'guest', 'Can you book us a dive at West View, 2 people, 1 beginner?'),
    ('en', 4, 2, 'staff', 'Tomorrow 9:00, 190,000 pesos each, gear included. Shall I?'),
    ('en', 4, 3, 'guest', 'Yes please!'),
    ('en', 5, 1, 'guest', 'The neighbours are singing. It is 2 am.'),
    ('en', 5, 2, 'staff', 'I am on my way to them. My apologies.'),
    ('en', 6, 1, 'guest', 'Where can I rent a golf cart?'),
    ('en', 6, 2, 'assistant', 'We call it a "mula". Next door, 180,000 pesos a day.'),
    ('en', 7, 1, 'guest', 'Could we get two more towels?'),
    ('en', 7, 2, 'staff', 'They are on your door handle.');

-- The last 96 reservations have a talk each, eight of the earlier ones too or a second one, and the last eight talks
-- come before any reservation.
CREATE TABLE demo_data.talks AS
SELECT number AS n, demo_data.uid('conversation', number) AS id,
    coalesce(s.tenant_id, demo_data.uid('tenant', 1 + number % 3)) AS tenant_id,
    s.id AS reservation_id,
    CASE WHEN s.n IS NULL THEN 'es' ELSE g.language END AS language, coalesce(g.name, 'la familia Pardo') AS guest,
    CASE WHEN s.n IS NULL OR g.language = 'es' THEN 'es' ELSE 'en' END AS spoken,
    demo_data.moment(
        least(coalesce(s.arrives, date '2025-09-01' + number % 50) - 3 + demo_data.num('talk day ' || number, 5),
              date '2025-10-29'),
        430 + demo_data.num('talk ' || number, 800)) AS began_at
FROM generate_series(1, 112) AS number
LEFT JOIN demo_data.stays AS s
    ON s.n = CASE WHEN number <= 96 THEN number + 8 WHEN number <= 104 THEN (number - 96) * 7 END
LEFT JOIN demo_data.guests AS g ON g.n = s.n
ORDER BY number;

CREATE TABLE demo_data.messages AS
SELECT talks.n AS talk, t.place, t.sender, replace(t.content, '{guest}', talks.guest) AS content,
    talks.began_at
        + ((t.place - 1) * 260 + demo_data.num('pause ' || talks.n || '/' || t.place, 200)) * interval '1 second' AS sent_at
FROM demo_data.talks AS talks
JOIN demo_data.threads AS t
    ON t.language = talks.spoken
    AND t.thread = demo_data.num('thread ' || talks.n, CASE talks.spoken WHEN 'es' THEN 9 ELSE 8 END);

-- As many guests say thanks as it takes to reach 321 messages.
INSERT INTO demo_data.messages
SELECT talks.n, 9, 'guest',
    CASE talks.language
        WHEN 'es' THEN 'Muchas gracias 🙏' WHEN 'pt' THEN 'Muito obrigado!' WHEN 'fr' THEN 'Merci beaucoup !'
        WHEN 'de' THEN 'Vielen Dank!' WHEN 'ja' THEN 'ありがとうございます' WHEN 'ru' THEN 'Большое спасибо!'
        WHEN 'he' THEN 'תודה רבה' WHEN 'ko' THEN '감사합니다' WHEN 'zh' THEN '谢谢' WHEN 'el' THEN 'Ευχαριστώ!'
        WHEN 'it' THEN 'Grazie mille!' ELSE 'Thank you so much!'
    END,
    talks.began_at + interval '25 minutes'
FROM demo_data.talks AS talks
ORDER BY talks.n
LIMIT 321 - (SELECT count(*) FROM demo_data.messages);

INSERT INTO public.guest_conversations
    (id, tenant_id, reservation_id, channel, status, subject, language, message_count, last_message_at,
     created_at, updated_at)
SELECT talks.id, talks.tenant_id, talks.reservation_id,
    (ARRAY['web', 'whatsapp', 'whatsapp', 'airbnb', 'email'])[1 + talks.n % 5]::public.message_channel,
    (CASE WHEN talks.n % 9 = 0 THEN 'waiting' WHEN talks.n BETWEEN 92 AND 96 THEN 'open'
          ELSE 'closed' END)::public.conversation_status,
    left(split_part(first.content, E'\n', 1), 60), talks.language, counted.messages, counted.last_at,
    talks.began_at, counted.last_at
FROM demo_data.talks AS talks
JOIN demo_data.messages AS first ON first.talk = talks.n AND first.place = 1
JOIN (
    SELECT talk, count(*) AS messages, max(sent_at) AS last_at FROM demo_data.messages GROUP BY talk
) AS counted ON counted.talk = talks.n
ORDER BY talks.n;

INSERT INTO public.chat_messages (id, conversation_id, sender, content, metadata, created_at)
SELECT demo_data.uid('chat message', m.talk * 10 + m.place), demo_data.uid('conversation', m.talk),
    m.sender::public.message_sender, m.content,
    CASE m.sender
        WHEN 'assistant' THEN jsonb_build_object('confidence', (60 + demo_data.num('sure ' || m.talk, 40))::numeric / 100)
        WHEN 'staff' THEN '{"typed": true}'::jsonb
        ELSE '{}'
    END,
    m.sent_at
FROM demo_data.messages AS m
ORDER BY m.talk, m.place;

INSERT INTO public.conversation_attachments
    (id, conversation_id, file_name, media_type, byte_size, sha256, extracted_text, created_at)
SELECT demo_data.uid('attachment', v.n), talks.id, v.file_name, v.media_type,
    v.size, sha256(convert_to(v.file_name, 'UTF8')), v.words, talks.began_at + interval '11 minutes'
FROM (VALUES
    (1, 8, 'passport.jpg', 'image/jpeg', 482113::bigint, NULL),
    (2, 71, 'паспорт.png', 'image/png', 1204551, NULL),
    (3, 20, 'boarding pass.pdf', 'application/pdf', 88210, 'AC 1893 YYZ-BOG'),
    (4, 15, 'biljett.pdf', 'application/pdf', 90417, ''),
    (5, 29, 'aire acondicionado.mp4', 'video/mp4', 20971520, NULL),
    (6, 47, 'factura.pdf', 'application/pdf', 41002, E'NIT\tDEMO-900999000-1'),
    (7, 47, 'RUT.pdf', 'application/pdf', 230144, NULL),
    (8, 60, '領収書.pdf', 'application/pdf', 3221225472, 'Recibo No. 77')
) AS v (n, talk, file_name, media_type, size, words)
JOIN demo_data.talks AS talks ON talks.n = v.talk
ORDER BY v.n;
